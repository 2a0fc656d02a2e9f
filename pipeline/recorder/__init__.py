"""What Lambda runs: each stream record becomes a line in the landing, and none is lost on the way.

Only boto3 and the standard library. Deployed as the package ``recorder`` (handler ``recorder.app.lambda_handler``), so
its modules import each other relatively.

    app       the handler: a batch in, what failed out
    record    a stream record → a line of format 1
    images    DynamoDB JSON → image JSON text
    redact    drops attribute paths before anything is stored
    packing   lines → Firehose records → calls, within Firehose's limits and near its billing steps
    delivery  sends them, and sends again only what failed, while there is time
    storage   what goes to S3 directly: changes too long for Firehose, changes that cannot be converted
"""
