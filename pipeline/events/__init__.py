"""Recorded stream events, in all the shapes in which they are kept or printed.

json_values  JSON values in a file, each with its place
spelling     as tools print them → as Lambda gives them
kinesis      as Kinesis Data Streams has them
why_not      why a record is no change
files        events in files
"""
