"""Is what is deployed for a table whole? What AWS tells of it, and what that means.

checks    what a check is: a fact with its verdict, its threshold, and what to do
seen      what AWS tells
verdicts  what that means; pure
report    all checks of one moment, in a sentence and as JSON
text      the same for a terminal
command   ``status``
"""
