"""The laws of doubt (DESIGN, section 4): every question, in random worlds, against an independent oracle and judge.

Reading order: :mod:`laws.worlds` (what truly happened and what was captured of it), :mod:`laws.making` (random ones),
:mod:`laws.landing` (on disk), :mod:`laws.conditions`, :mod:`laws.history` (what the history says, read by first
principles), :mod:`laws.due` (which doubts that leaves), :mod:`laws.questions`, :mod:`laws.answers`, then a module of
checks for each group of laws, and the tests. Nothing here uses how histlib makes caveats.
"""
