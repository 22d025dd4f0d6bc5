"""A router that decides in code, as Sentry's own: by what a model says of itself."""

CONTROL = {"sentry.user", "sentry.organizationmapping", "auth.group", "sessions.session"}


class SiloRouter:
    """Models of the control silo live in the database control, all others in default."""

    def db_for_read(self, model, **hints):
        """Answer for every model."""
        return "control" if model._meta.label_lower in CONTROL else "default"

    db_for_write = db_for_read

    def allow_relation(self, obj1, obj2, **hints):
        """Allow relations within a silo."""
        return self.db_for_read(obj1) == self.db_for_read(obj2)

    def allow_migrate(self, db, app_label, model=None, **hints):
        """Allow a model its silo, and what has no model default."""
        return db == (self.db_for_read(model) if model else "default")
