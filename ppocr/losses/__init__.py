"""What training minimises. Each loss is called with the network's outputs and the batch, and returns a dict of scalars.

`"loss"` is the one that is minimised; the others are its parts, for the log.
"""
