"""The command line, one module a verb; it wires the other rooms together and prints."""
