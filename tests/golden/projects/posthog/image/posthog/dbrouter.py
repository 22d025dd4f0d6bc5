"""A router that answers as PostHog's own: models opt in to the replica by name."""

from django.conf import settings


class ReplicaRouter:
    """Reads of the models named in a setting go to the replica."""

    def db_for_read(self, model, **hints):
        """Answer for every model."""
        return "replica" if model.__name__ in settings.READ_REPLICA_OPT_IN else "default"

    def db_for_write(self, model, **hints):
        """Answer default."""
        return "default"

    def allow_relation(self, obj1, obj2, **hints):
        """Allow all."""
        return True

    def allow_migrate(self, db, app_label, **hints):
        """Allow all."""
        return True
