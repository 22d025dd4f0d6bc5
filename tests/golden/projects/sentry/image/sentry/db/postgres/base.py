"""A backend like the project's own: Django's for PostgreSQL under another name."""

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper."""
