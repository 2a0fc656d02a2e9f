"""The table: where it lies, and which days queries see.

address        ``athena://database/table?…``
projection     partition projection over days
glue           asking the Glue catalog, and its errors as ours
description    what the catalog says of a table
article_types  what its types make of the article's values
"""
