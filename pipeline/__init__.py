"""The pipeline: what captures a table's changes, and the commands that deploy it, watch it and mend it.

functions  what runs in Lambda: recorder, attester, baseline
common     what the commands share: asking AWS, what is deployed, the landing
events     recorded stream events, read from files
status     ``status``: is all whole?
deploy     ``deploy`` and ``destroy``
baseline   ``baseline``: full pictures of the table
backfill   ``backfill``: history from before the pipeline
mend       ``redrive`` and ``quarantine``: what could not be delivered
replay     ``replay``: recorded events into a folder
view       ``view``: a SQL view with an attribute a column
cli        the command line
demo       ``make demo``
emulator   an AWS on this machine, for tests and ``make demo-aws``
"""
