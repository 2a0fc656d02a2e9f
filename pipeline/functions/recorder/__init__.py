"""The recorder, what Lambda runs: each change of the table becomes a line in the landing, and none is lost on the way.

app       the handler: a batch in, what failed out
record    a stream record → a line of format 1
images    DynamoDB JSON → image JSON text
redact    drops what must never be stored
packing   lines → Firehose records → calls, within Firehose's limits and near its billing steps
delivery  sends them, and sends again only what failed, while the time lasts
storage   what goes to S3 directly: changes too long for Firehose, records that cannot be converted
log       one JSON line a batch
"""
