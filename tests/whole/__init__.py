"""The whole path, from an application's write to the answer about it, with real clients against moto.

mended    moto where it is no DynamoDB: its time, its table ids, its disabled streams
app       the application: it writes with boto3, and notes what it then reads (the oracle)
stream    moto's stream, read by real calls, as the records and shards that AWS makes of it
mapping   Lambda's event source mapping: batches, checkpoints, retries, bisecting, the on-failure destination
delivery  Firehose into moto's S3, and what can go wrong there
rig       all of it on one clock that tests move
asking    what histlib answers, beside what the application saw
"""
