"""What a History can be asked: a module for each kind of question, and what they share.

facts      what is known of a history as a whole
names      names that nothing has
asking     what every question needs
items      one item: its state, its timeline
values     one item's values: since when, by which change
tables     the whole table
changes    changes of a time
coverage   was anything lost?
sql        raw SQL
histories  the histories of an account
"""
