"""The CloudFormation stack.

template  the template's text: its parameters, and where its code lies
events    following a stack until it rests; which resource failed first, and why
standing  the stack as it is: ours or another's, fit for an update or first to be deleted
changes   a change set: made, shown, executed
drift     what was changed by hand beside the template
"""
