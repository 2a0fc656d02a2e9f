"""Statements on their way: sent, watched, read, paid.

costs       what queries cost
refusals    what Athena refuses, as our errors
failures    why a query failed, as our errors
watching    while a query runs
paging      small answers, page by page
unloading   large answers, by UNLOAD
explaining  shows a statement before it runs
runner      runs statements
"""
