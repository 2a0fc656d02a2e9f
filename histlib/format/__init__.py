"""What a history holds, as bytes and rows: the record format, and how its files are laid.

record          format 1: the fields of a line
streams         what the name of a change's stream tells
days            which datedays hold what
key_forms       which keys one history may have
rows            a record as a row of Arrow
article_lines   the article's lines as records
stream_records  files of raw stream records, which are to be replayed first
folders         where in a folder the landing lies
problems        what cannot be read, by file and line
undelivered     changes that are known but not in the landing
exports         exports of DynamoDB as histories
"""
