"""A second AWS on this machine: MiniStack, in an environment of its own, for tests and for trying the deployment.

``server`` starts and stops it, and knows what clients are told. ``shims`` runs inside it, and lists in what it is not
AWS as far as the pipeline can tell.
"""
