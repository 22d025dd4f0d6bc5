"""A router that answers as pretix' own: the replica is for code that names it."""


class ReplicaRouter:
    """All goes to default."""

    def db_for_read(self, model, **hints):
        """Answer default."""
        return "default"

    db_for_write = db_for_read

    def allow_relation(self, obj1, obj2, **hints):
        """Allow relations among the two."""
        return True if {obj1._state.db, obj2._state.db} <= {"default", "replica"} else None

    def allow_migrate(self, db, app_label, **hints):
        """Allow all."""
        return True
