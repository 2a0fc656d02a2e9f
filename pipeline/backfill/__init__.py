"""History from before the pipeline, from DynamoDB's incremental exports.

windows     cuts the time
target      where to
plan        what is to be done, checked beforehand
exports     asks DynamoDB for them
conversion  an export into objects of the landing
running     does it all
report      what is said of it
command     ``backfill``
"""
