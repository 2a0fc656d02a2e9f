"""The index of a local history: immutable segments sorted by key hash, beside the landing that they are made from.

tree          lists the files of a folder, again only where something has changed
problems      what cannot be read, by file and line
rows          the columns of a row, its hash, and what makes a row acceptable
landing       reads landing files: good lines in bulk, damaged ones line by line
parquet       Parquet files with checksums, never trusted unseen
links         how each row follows the one before it, for all rows at once
by_time       the rows once more, by time
segments      writes and reads segments (Parquet files by key hash, each checked when opened)
manifest      what the index consists of: replaced atomically, checked, never trusted when damaged
builder       landing files → segments, in bounded memory; merges segments in tiers
store         opens, refreshes and rebuilds an index; one writer, many readers
trouble       what to tell a person when an index cannot be made
stream_records  tells what is to be replayed first from a history
undelivered   changes that are known but not in the landing
folder_facts  what many small files say, each read once
"""
