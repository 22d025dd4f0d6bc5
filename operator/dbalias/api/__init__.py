"""What a user declares: the custom resources as typed, immutable values.

Parsing turns an object as Kubernetes returns it into such a value, or reports every
problem at once. Nothing here does I/O, and every other room may import from it.
"""
