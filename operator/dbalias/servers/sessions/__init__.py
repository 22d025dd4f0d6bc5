"""Sessions: one blocking connection each, whose every failure is a Fault in our own words.

A module per driver says how it logs in and which of its codes is which fault; ``opening`` picks
between them. Nothing of the process' environment or home directory matters to a session.
"""
