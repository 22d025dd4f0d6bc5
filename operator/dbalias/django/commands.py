"""What is known of Django's management commands without running them."""

from __future__ import annotations

from collections.abc import Sequence

READING = frozenset(
    {
        "check",
        "diffsettings",
        "dumpdata",
        "inspectdb",
        "makemigrations",
        "showmigrations",
        "sqlflush",
        "sqlmigrate",
        "sqlsequencereset",
    }
)
"""Commands that write nothing to a database; any other may. ``makemigrations`` writes files."""


def is_reading(words: Sequence[str]) -> bool:
    """Tell whether a command, given with its arguments, leaves every database as it is."""
    return words[0] in READING
