"""What questions return: result objects and DataFrames, and how they look.

state           the state of an item
since           since when a value holds
timelines       changes as rows
differences     what differs between two times
display         tables as text
frames          tables: columns, types, and what they rest on
coverage        what is covered and what is missing
athena_queries  what was asked of Athena
writers         files of tables, exact
charts          charts for the notebook
"""
