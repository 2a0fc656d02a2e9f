"""Deploys the capture of one table, and takes it away again.

bucket           buckets that are given: where, whose, how they encrypt, whom their policy denies
package          the functions as a zip, the same bytes each time, and the bucket it lies in
stream           the table and its stream: what is there, who reads it, turning it on
load             what the table writes beside Firehose's quota, and what waits in its stream
stack            the CloudFormation stack
connection       the entry in ``histlib.toml``
parameters       what is asked for, as the template's parameters
deploy           all of it, for one table
by_hand          the same for shops with their own deployment: files, and no AWS
command          ``deploy``
destroy          takes the stack away, and keeps the history
destroy_command  ``destroy``
"""
