"""The laws of doubt (docs/design.md, section 4): every question, in random worlds, against an independent oracle and
judge.

Reading order: :mod:`tests.laws.worlds` (what truly happened and what was captured of it), :mod:`tests.laws.making`
(random ones), :mod:`tests.laws.landing` (on disk), :mod:`tests.laws.conditions`, :mod:`tests.laws.history` (what the
history says, read by first principles), :mod:`tests.laws.due` (which doubts that leaves), :mod:`tests.laws.questions`,
:mod:`tests.laws.answers`, then a module of checks for each group of laws, and the tests. Nothing here uses how histlib
makes caveats.
"""
