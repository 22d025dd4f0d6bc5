"""A router that answers as KoboToolbox' own."""


class DefaultDatabaseRouter:
    """The models of shadow_model lie in another application's database."""

    def db_for_read(self, model, **hints):
        """Answer for every model."""
        return "kobocat" if model._meta.app_label == "shadow_model" else "default"

    db_for_write = db_for_read

    def allow_relation(self, obj1, obj2, **hints):
        """Allow all."""
        return True

    def allow_migrate(self, db, app_label, **hints):
        """Allow all but shadow_model."""
        return app_label != "shadow_model"
