"""What it means. Pure.

capture   the stack, the table and its stream
reading   what reads the stream: mapping, recorder, and the attester beside it
delivery  what brings the changes to S3
history   what the history itself tells: attestations, losses, baselines
alarms    the stack's alarms
"""
