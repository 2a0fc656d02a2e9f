"""The Athena source: a history asked where it lies, by Athena's SQL over the projected table.

table         the table in the Glue catalog
landing       what lies in S3, and what Athena sees of it
statements    the SQL
running       statements on their way: sent, watched, read, paid
rows          rows of format 1
article_rows  rows of the article's table
source        the source
opening       an address → the source
"""
