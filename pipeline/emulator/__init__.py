"""A second AWS on this machine: MiniStack, in an environment of its own, for tests and for trying the deployment.

shims   runs inside it: where it is not AWS, mended, each place by name
server  starts and stops it, and knows what clients are told
demo    ``make demo-aws``
"""
