"""Ownership marks: whose a database, a role or a claim is, written on the server itself."""

from __future__ import annotations

import json
from dataclasses import dataclass

_VERSION = 1
_FIELDS = ("installation", "namespace", "name")


@dataclass(frozen=True, slots=True)
class Mark:
    """Says which alias of which installation made something, or took it over (``adopted``).

    A cluster rebuilt from Git has the same installation, namespaces and names, so it finds its
    own again; only what is not adopted may ever be dropped.
    """

    installation: str
    namespace: str
    name: str
    adopted: bool = False

    def is_same_owner(self, other: Mark) -> bool:
        """Tell whether both name one alias."""
        # Asked for each role of each alias in each pass: a copy to compare with cost the most.
        mine = (self.installation, self.namespace, self.name)
        return mine == (other.installation, other.namespace, other.name)

    def render(self) -> str:
        """Return the text that is stored, for example as a comment."""
        fields = {
            "dbalias": _VERSION,
            "installation": self.installation,
            "namespace": self.namespace,
            "name": self.name,
        }
        return json.dumps(fields | ({"adopted": True} if self.adopted else {}))

    def __str__(self) -> str:
        return f"DatabaseAlias {self.namespace}/{self.name} of installation {self.installation}"


def parse_mark(text: str | None) -> Mark | None:
    """Return the mark in a stored text; None for a text that somebody else wrote."""
    try:
        fields = json.loads(text or "")
        if fields["dbalias"] != _VERSION:
            return None
        installation, namespace, name = (fields[one] for one in _FIELDS)
    except (ValueError, KeyError, TypeError):
        return None
    if not all(isinstance(one, str) for one in (installation, namespace, name)):
        return None
    return Mark(installation, namespace, name, adopted=fields.get("adopted") is True)
