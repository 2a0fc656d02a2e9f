"""What runs in Lambda: only boto3 and the standard library.

recorder  each change of the table becomes a line in the landing
attester  on a schedule: is the pipeline whole? what it finds, it writes under ``coverage/``
baseline  a full picture of the table by a scan, in steps; on a schedule where the landing's objects expire
owned     S3 clients that ask for buckets of the stack's own account

Imports inside are relative, so the package is the same wherever it lies: in the clone it is ``pipeline.functions``, in
Lambda ``functions`` (``CodeUri`` is ``pipeline/``, a ``Handler`` is ``functions.recorder.app.lambda_handler``).
"""
