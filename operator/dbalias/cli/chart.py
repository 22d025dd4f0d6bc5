"""What ``graph`` draws, whatever the language: nodes, edges, and the projects around them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

LONGEST_LINE = 60
"""Characters of a label's line; a name may have a thousand."""


class NodeKind(StrEnum):
    """What a node stands for."""

    ROUTE = "route"
    ROUTER = "router"
    ALIAS = "alias"
    REPLICA = "replica"
    FOREIGN = "foreign"
    EMPTY = "empty"
    DATABASE = "database"


@dataclass(frozen=True, slots=True)
class Node:
    """A box; ``id`` is made of letters and digits."""

    id: str
    kind: NodeKind
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow; ``aside``: not the way of queries, but how two nodes belong together."""

    start: str
    end: str
    label: str = ""
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A project and its nodes, in the order in which routers are asked and names are sorted."""

    id: str
    label: str
    nodes: tuple[Node, ...]


@dataclass(slots=True)
class Chart:
    """Projects, the databases below them, and what leads where."""

    groups: list[Group] = field(default_factory=list)
    databases: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)


def shown(line: str) -> str:
    """Return a line as it may be drawn: nothing invisible, and not without end."""
    visible = "".join(one if one.isprintable() else "\ufffd" for one in line)
    return visible if len(visible) <= LONGEST_LINE else f"{visible[: LONGEST_LINE - 1]}…"
