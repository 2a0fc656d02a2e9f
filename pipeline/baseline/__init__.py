"""A full picture of the table in the history.

scan     by a scan, the same as the Lambda's
export   by an export to S3
command  ``baseline``
"""
