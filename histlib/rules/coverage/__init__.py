"""For which times a history knows all that happened.

net_windows  windows of incremental exports
coverage     spans and holes
baselines    full pictures of the table
rows         what is covered and what is missing, as rows
"""
