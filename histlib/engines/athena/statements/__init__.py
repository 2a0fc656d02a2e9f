"""The SQL: pure functions to statements, each bounded in dateday.

literals   values and names as Trino writes them
statement  a statement and its values
key_texts  key texts that no question finds
selects    rows of the landing
around     what a state at a moment rests on
binding    values as Athena takes them
"""
