"""A router that answers as django-multidb-router's: in turn, from a list in the settings."""

import itertools
import threading

from django.conf import settings

pinned = threading.local()


class PinningReplicaRouter:
    """Reads go to the replicas, unless the middleware pinned this thread."""

    def __init__(self):
        self._turn = itertools.cycle(settings.REPLICA_DATABASES or ["default"])

    def db_for_read(self, model, **hints):
        """Answer with the next replica."""
        return "default" if getattr(pinned, "is_set", False) else next(self._turn)

    def db_for_write(self, model, **hints):
        """Answer default."""
        return "default"

    def allow_relation(self, obj1, obj2, **hints):
        """Allow all."""
        return True

    def allow_migrate(self, db, app_label, **hints):
        """Allow default alone."""
        return db == "default"
