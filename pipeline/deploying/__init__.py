"""What ``python -m pipeline deploy`` does, from the bottom up.

person      how the work speaks and asks
package     the functions as a zip, the same bytes each time, and the bucket it lies in
template    the template's text: its parameters, and where its code lies
stream      the table and its stream: what is there, who reads it, turning it on
events      following a stack until it rests; which resource failed first, and why
stack       the stack as it is: ours or another's, fit for an update or first to be deleted
changes     a change set: made, shown, executed
drift       what was changed by hand beside the template
connection  the entry in ``histlib.toml``
parameters  what is asked for, as the template's parameters
deploy      all of it, for one table
by_hand     the same for shops with their own deployment: files, and no AWS
"""
