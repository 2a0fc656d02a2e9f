"""Folds over the rows of many items at once, as Arrow columns; equal to the rules for one item, which tests hold.

arrays     masks, and work in threads
parts      what images have at a path, read from their texts
derived    columns worked out once: how a row follows the one before, what it changed
inputs     rows by time and by item, as a source gives them
in_memory  rows that another engine selected
selecting  rows and items of which a condition may hold
activity   changes counted by period, action and path
sightings  what baselines say of many items
fold       the changes around a moment
states     states at a moment
"""
