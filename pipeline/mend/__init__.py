"""What was captured and could not be delivered, or not be converted.

undelivered         what such an object holds
redrive             brings it into the landing
quarantine          sets aside what nothing can convert, and tells of the hole
redrive_command     ``redrive``
quarantine_command  ``quarantine``
"""
