"""Names of objects for what is called otherwise: legal, distinct, and the same every time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from dbalias.api.digest import digest

LONGEST = 63


def object_names(
    names: Iterable[str], *, called: Callable[[str], str] = lambda name: name
) -> dict[str, str]:
    """Return name → name of its object: what it is called where that is legal, else one like it."""
    found: dict[str, str] = {}
    for name in names:
        plain = object_name(called(name))
        taken = plain in found.values()
        found[name] = f"{plain[: LONGEST - 6].rstrip('-')}-{digest(name, 5)}" if taken else plain
    return found


def object_name(name: str) -> str:
    """Return a legal name for an object like ``name``, which may be a class in CamelCase."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)
    plain = re.sub(r"[^a-z0-9]+", "-", apart.lower()).strip("-")[:LONGEST].rstrip("-")
    return plain or f"x{digest(name, 8)}"
