"""A router that answers as Read the Docs' own."""

ALIASES = {"telemetry": "telemetry"}


class SplitAppsRouter:
    """Every app has one database: the one it is mapped to, or default."""

    def db_for_read(self, model, **hints):
        """Answer for every model."""
        return home(model._meta.app_label)

    db_for_write = db_for_read

    def allow_relation(self, obj1, obj2, **hints):
        """Allow relations within one database."""
        return home(obj1._meta.app_label) == home(obj2._meta.app_label)

    def allow_migrate(self, db, app_label, **hints):
        """Allow each app its own database."""
        return home(app_label) == db


def home(app_label):
    """Return the alias of an app."""
    return ALIASES.get(app_label, "default")
