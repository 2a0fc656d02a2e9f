"""Backfill: history from before the pipeline, from DynamoDB's incremental exports.

``windows`` cuts the time, ``target`` says where to, ``plan`` checks all beforehand, ``exports`` asks DynamoDB,
``conversion`` turns an export into objects of the landing, ``running`` does it all. Each imports only those before it.
"""
