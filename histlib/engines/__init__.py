"""What answers the questions' queries: a source has one method, ``fetch(query)``.

memory      how much may be taken
trino_text  image JSON in Trino's SQL
raw_sql     ``sql()``: a tested subset of Athena's SQL
queries     the seam: each query, and which rows it yields
where       conditions on items and changes
shapes      what images have at a path
bulk        folds over the rows of many items, which both sources use
duckdb      DuckDB, for raw SQL only
beside      what lies beside a landing, which both sources read
folder      a history in a folder, by an index of it
athena      a history where it lies, by Athena
"""
