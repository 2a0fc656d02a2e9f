"""The landing in S3: its days, and what was found out about them.

objects    what each day has, and what Athena leaves out
listing    lists it when a question begins
day_cache  what was found out about days, kept
streams    which streams there are, from when to when
reuse      how old a result may be
results    results of this process, kept
beside     attestations, manifests and what failed
"""
