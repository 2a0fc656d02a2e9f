"""A SQL view over the history, with each attribute in a column of its own.

attributes  which attributes there are
text        the view's text
view        all of it
command     ``view``
"""
