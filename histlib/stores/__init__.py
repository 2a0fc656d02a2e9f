"""Where bytes lie: folders, S3, the cache, and the settings that name them.

edition  which histlib this is, for what is kept
locking  one process at a time
memo     a value kept in a file for the next process
cache    the cache folder
config   ``histlib.toml``
tree     the files below a folder
aws      sessions, and AWS's errors as ours
s3       a history in S3, mirrored into the cache
"""
