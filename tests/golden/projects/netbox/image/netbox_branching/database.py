"""A router that answers as netbox-branching's where no branch is active."""


class BranchAwareRouter:
    """Without an active branch there is no opinion on reads and writes."""

    def db_for_read(self, model, **hints):
        """Have no opinion."""

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        """Keep the plugin's own tables out of branches."""
        return False if db.startswith("schema_") and app_label == "netbox_branching" else None
