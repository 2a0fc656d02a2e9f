"""One history in S3, kept as a private local mirror that the embedded source answers from. boto3, loaded late.

address   ``s3://bucket/prefix``, read and written
client    boto3's client, from a profile, Region or session
trouble   botocore's errors as ours: what was refused and what to do
listing   which objects there are, all of them or only those of recent days
ledger    what the mirror holds and what it could not get, on disk and safe against a kill
fetching  objects into files, in parallel, each checked
mirror    brings the folder up to date when a question begins
"""
