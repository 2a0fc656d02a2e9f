"""A checked statement as SQL of an engine.

duckdb         for DuckDB
duckdb_images  values in images, as functions that DuckDB calls
trino_images   values in images, in Trino's SQL
trino          for Trino
"""
