"""What a test means for one item: the reference that engines are held to.

sameness   when values are the same, and their order
functions  ``lower``, ``size`` …
like       LIKE
evaluate   whether a test holds
wants      what types it looks for
"""
