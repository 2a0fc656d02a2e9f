"""What AWS tells of the pipeline.

metrics    CloudWatch's numbers of the last day
resources  what DynamoDB, Lambda, Firehose, CloudFormation and CloudWatch's alarms tell
objects    what the history's bucket tells
facts      all of these, asked side by side; what cannot be asked says why
"""
