"""Recorded events into a history in a folder, by the very code that runs in Lambda.

batches      batches as Lambda would have given them
local        Firehose, S3 and the clock, on this machine
unconverted  changes that could not be converted
replay       all of it
command      ``replay``
"""
