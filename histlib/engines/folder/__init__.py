"""The folder source: a history in a local folder, answered from an index of it.

landing     landing files: good lines in bulk, damaged ones line by line
index       the rows again, by key and by time, in checked files
attributes  names that images have
baselines   what the index holds of baselines
scanning    raw SQL over the index
source      the source
"""
