"""The two routers of the topic guide's second half, as it describes them."""

import random

ACCOUNTS = {"auth", "contenttypes"}
POOL = {"primary", "replica1", "replica2"}


class AuthRouter:
    """Accounts live in auth_db; no opinion about anything else."""

    def db_for_read(self, model, **hints):
        """Answer for accounts alone."""
        return "auth_db" if model._meta.app_label in ACCOUNTS else None

    db_for_write = db_for_read

    def allow_relation(self, obj1, obj2, **hints):
        """Allow what has an account on either side."""
        return True if {obj1._meta.app_label, obj2._meta.app_label} & ACCOUNTS else None

    def allow_migrate(self, db, app_label, **hints):
        """Confine accounts to auth_db, and leave all else there to the next router."""
        return db == "auth_db" if app_label in ACCOUNTS else None


class PrimaryReplicaRouter:
    """Everything is written to the primary and read from either replica."""

    def db_for_read(self, model, **hints):
        """Answer with either replica."""
        return random.choice(["replica1", "replica2"])

    def db_for_write(self, model, **hints):
        """Answer with the primary."""
        return "primary"

    def allow_relation(self, obj1, obj2, **hints):
        """Allow relations among the three."""
        return True if {obj1._state.db, obj2._state.db} <= POOL else None

    def allow_migrate(self, db, app_label, **hints):
        """Allow everything everywhere."""
        return True
