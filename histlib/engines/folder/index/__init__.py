"""The index of a folder's history: immutable segments sorted by key hash, made from the landing.

parquet       Parquet files with checksums, never trusted unseen
by_time       the rows once more, by time
segments      writes and reads segments (Parquet files by key hash, each checked when opened)
manifest      what the index consists of: replaced atomically, checked, never trusted when damaged
builder       landing files → segments, in bounded memory; merges segments in tiers
explanations  what to tell a person when an index cannot be made
store         opens, refreshes and rebuilds an index; one writer, many readers
"""
