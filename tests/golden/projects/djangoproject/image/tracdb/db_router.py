"""A router that answers as djangoproject.com's own."""


class TracRouter:
    """Trac's models belong to the database trac, which is never migrated."""

    def db_for_read(self, model, **hints):
        """Answer for models of tracdb alone."""
        return "trac" if model._meta.app_label == "tracdb" else None

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        """Refuse all on trac."""
        return False if db == "trac" else None
