"""What ``python -m pipeline deploy`` does, from the bottom up.

person      how the work speaks and asks
package     the functions as a zip, the same bytes each time, and the bucket it lies in
template    the template's text: its parameters, and where its code lies
bucket      buckets that are given: where, whose, how they encrypt, whom their policy denies
stream      the table and its stream: what is there, who reads it, turning it on
load        what the table writes beside Firehose's quota, and what waits in its stream
events      following a stack until it rests; which resource failed first, and why
stack       the stack as it is: ours or another's, fit for an update or first to be deleted
changes     a change set: made, shown, executed
drift       what was changed by hand beside the template
connection  the entry in ``histlib.toml``
parameters  what is asked for, as the template's parameters
deploy      all of it, for one table
by_hand     the same for shops with their own deployment: files, and no AWS
"""
