"""Routers that a project brings itself."""

from __future__ import annotations

from typing import Any


class Office:
    """Keeps one model of the office on ``orders``, with opinions of its own."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        """Return where invoices are read."""
        return "orders" if model._meta.model_name == "invoice" else None

    db_for_write = db_for_read

    def allow_relation(self, obj1: Any, obj2: Any, **hints: Any) -> bool | None:
        """Forbid what points from the shard to elsewhere, and allow what lies elsewhere."""
        if obj1._state.db == "shard":
            return False
        return True if {obj1._state.db, obj2._state.db} == {"orders", "elsewhere"} else None

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Return whether the office is migrated there."""
        return db == "orders" if app_label == "office" else None


class Reports:
    """Knows nothing but where to read customers."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        """Return the shard for customers."""
        return "shard" if model._meta.model_name == "customer" else None
