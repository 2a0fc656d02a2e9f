"""The index of a local history: immutable segments sorted by key hash, beside the landing that they are made from.

landing   lists and reads landing files: good lines in bulk, damaged ones line by line, each problem by file and line
rows      the columns of a row, its hash, and what makes a row acceptable
segments  writes and reads segments (Parquet files by key hash, each checked when opened)
manifest  what the index consists of: replaced atomically, checked, never trusted when damaged
builder   landing files → segments, in bounded memory; merges segments in tiers
store     opens, refreshes and rebuilds an index; one writer, many readers
"""
