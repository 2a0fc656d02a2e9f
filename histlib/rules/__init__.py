"""The rules of a history: what was, how we know, and what may be wrong with that. Pure.

conditions  what a condition can tell
caveats     the names of what may be wrong, and what they mean
actor       who made a change
chain       an item's changes in true order
coverage    for which times silence means that nothing happened
doubt       which caveats an answer carries
state       what an item was at a moment
stretches   an item's images over time, with bounds
hits        periods in which a condition held
lineage     where values come from
"""
