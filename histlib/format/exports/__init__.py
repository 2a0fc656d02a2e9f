"""Exports of DynamoDB to S3, full and incremental, as histories.

manifests  what an export says of itself
rows       a line of an export as a row of a history
files      an export's files, counted and checked
convert    an export's folder → a history's
"""
