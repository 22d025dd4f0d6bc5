"""A router that answers as Baserow's own: any replica, until something was written."""

import random
import threading

from django.conf import settings

state = threading.local()


class ReadReplicaRouter:
    """A write keeps all reads on default until the request or task ends."""

    def db_for_read(self, model, **hints):
        """Answer with any replica before a write, with default after it."""
        if getattr(state, "has_written", False) or not settings.DATABASE_READ_REPLICAS:
            return "default"
        return random.choice(settings.DATABASE_READ_REPLICAS)

    def db_for_write(self, model, **hints):
        """Answer default, and remember."""
        state.has_written = True
        return "default"

    def allow_relation(self, obj1, obj2, **hints):
        """Allow relations among default and its replicas."""
        known = {"default", *settings.DATABASE_READ_REPLICAS}
        return True if {obj1._state.db, obj2._state.db} <= known else None

    def allow_migrate(self, db, app_label, **hints):
        """Allow default alone."""
        return db == "default"
