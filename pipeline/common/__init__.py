"""What the commands share.

errors      errors of the pipeline
words       durations, times and counts, as said
person      how work speaks and asks
arguments   arguments that commands share
aws         clients of one session, and their errors as ours
deployment  what is deployed for a table
landing     whole objects into a landing, in a folder or in S3
"""
