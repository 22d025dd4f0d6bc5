"""Ownership marks: whose a database, a role or a claim is, written on the server itself."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from dbalias.api import limits

_VERSION = 1
_FIELDS = ("installation", "namespace", "name")
_LONGEST = 8192
"""Characters, more than any mark has: whoever owns a database may write a gigabyte there."""


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
    """Return the mark in a stored text; None for a text that somebody else wrote.

    Tenants may comment on what is theirs, so nothing in it is trusted to be short, flat or a name.
    """
    try:
        fields = json.loads(text) if text and len(text) <= _LONGEST else {}
        if fields["dbalias"] != _VERSION:
            return None
        installation, namespace, name = (fields[one] for one in _FIELDS)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(installation, str) or not _are_names(namespace, name):
        return None
    return Mark(installation, namespace, name, adopted=fields.get("adopted") is True)


def _are_names(namespace: object, name: object) -> bool:
    """Tell whether an alias may lie there: people are shown the names, in commands as well."""
    return (
        isinstance(namespace, str)
        and isinstance(name, str)
        and len(namespace) <= limits.DNS_LABEL_LENGTH
        and len(name) <= limits.OBJECT_NAME_LENGTH
        and re.fullmatch(limits.DNS_LABEL, namespace) is not None
        and re.fullmatch(limits.OBJECT_NAME, name) is not None
    )
