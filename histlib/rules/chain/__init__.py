"""The chain of one item: its changes in true order, each once.

images      the images around a change
ordering    an order for changes of equal times, by what they found and left
unnumbered  changes without sequence numbers
chain       all of them, and how each follows the one before
reach       how far around a time rows matter
"""
