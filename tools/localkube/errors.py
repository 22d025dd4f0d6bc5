"""The one error this package raises for what a person can put right."""


class LocalkubeError(Exception):
    """Something is missing or failed; the text says what, and what to do next."""
