"""A router that answers as Saleor's own."""

from django.conf import settings


class PrimaryReplicaRouter:
    """Reads go to the replica that the settings name."""

    def db_for_read(self, model, **hints):
        """Answer the replica."""
        return settings.DATABASE_CONNECTION_REPLICA_NAME

    def db_for_write(self, model, **hints):
        """Answer default."""
        return "default"

    def allow_relation(self, obj1, obj2, **hints):
        """Allow all."""
        return True

    def allow_migrate(self, db, app_label, **hints):
        """Allow all."""
        return True
