"""A condition as SQL of an engine.

parts   what both have in common
duckdb  for DuckDB
trino   for Trino
"""
