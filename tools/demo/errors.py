"""The error for what a person can put right."""


class DemoError(Exception):
    """Something is missing or failed; the text says what, and what to do next."""
