"""A backend like the project's own: Django's for MySQL under another name."""

from django.db.backends.mysql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper."""
