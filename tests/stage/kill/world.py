"""What a run leaves behind, to be compared with what one without faults leaves."""

from dataclasses import dataclass

from stage.api import JSON
from stage.objects import Database
from stage.play import Shop

_OWN = frozenset({"NAME", "USER", "HOST", "PORT"})
"""Settings in which two databases differ that are otherwise the same."""


@dataclass(frozen=True, slots=True)
class World:
    """A database after its run, and the entry that applications are given for it.

    `history` is every row of django_migrations, `effects` every row that migrations added.
    """

    tables: frozenset[str]
    columns: tuple[str, ...]
    history: tuple[str, ...]
    effects: tuple[str, ...]
    published: JSON


def look_at(shop: Shop, database: Database) -> World:
    """Return what is there now."""
    return World(
        tables=frozenset(database.tables()),
        columns=_texts(
            database, "SELECT column_name FROM information_schema.columns WHERE table_name = "
            "'gated_effect' AND table_schema NOT IN ('information_schema')"
            + ("" if database.server.engine == "postgresql" else " AND table_schema = DATABASE()"),
        ),
        history=_texts(database, "SELECT CONCAT(app, '.', name) FROM django_migrations"),
        effects=_texts(database, "SELECT word FROM gated_effect"),
        published=_entry(shop.published()),
    )  # fmt: skip


def _texts(database: Database, query: str) -> tuple[str, ...]:
    return tuple(sorted(str(value) for value in database.values(query)))


def _entry(document: JSON) -> JSON:
    assert document is not None, "nothing is published"
    settings = document["databases"]["default"]["settings"]
    return {key: value for key, value in settings.items() if key not in _OWN}
