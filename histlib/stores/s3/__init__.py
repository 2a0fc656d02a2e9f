"""One history in S3, kept as a private local mirror that the folder source answers from. boto3, loaded late.

address   ``s3://bucket/prefix``, read and written
names     names of objects that no file can have
errors    botocore's errors as ours: what was refused and what to do
client    boto3's client, from a profile, Region or session
listing   which objects there are, all of them or only those of recent days
ledger    what the mirror holds and what it could not get, on disk and safe against a kill
fetching  objects into files, in parallel, each checked
mirror    brings the folder up to date when a question begins
"""
