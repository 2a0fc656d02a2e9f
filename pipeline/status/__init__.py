"""Is what is deployed for a table whole? What AWS tells of it, and what that means.

checks     what a check is: a fact with its verdict, its threshold, and what to do
metrics    CloudWatch's numbers of the last day
resources  what DynamoDB, Lambda, Firehose, CloudFormation and CloudWatch's alarms tell
objects    what the history's bucket tells
facts      all of these, asked side by side; what cannot be asked says why
capture    the verdicts of the stack, the table and its stream (pure, as are the next four)
reading    of what reads the stream: mapping, recorder, and the attester beside it
delivery   of what brings the changes to S3
history    of what the history itself tells: attestations, losses, baselines
alarms     of the stack's alarms
report     all checks of one moment, in a sentence and as JSON
text       the same for a terminal
"""
