"""The text of a condition → its tree.

grammar    tokens and rules
params     values of ``:name``
constants  literals
columns    what a name means
parse      the tree
"""
