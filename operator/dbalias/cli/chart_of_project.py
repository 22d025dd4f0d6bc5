"""A project as a chart: which apps go to which alias, and which database is behind it.

Nothing that came from a Secret is drawn: two aliases that a Secret leads to the same database
meet there, and its address is not said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dbalias.api.alias import DatabaseAlias, Role
from dbalias.api.meta import DEFAULT_ALIAS, Kind
from dbalias.api.policy import DatabaseRoutingPolicy, MigrateOn, Rule
from dbalias.api.project import Unmatched
from dbalias.api.provision import ServerRef
from dbalias.cli.chart import Chart, Edge, Group, Node, NodeKind
from dbalias.cli.offline import Scene
from dbalias.django.entries import Entry
from dbalias.django.routing import EVERYTHING
from dbalias.reconcile.desired import Desired, build_desired

_NEVER = {
    "empty": (NodeKind.EMPTY, "empty on purpose"),
    "replica": (NodeKind.REPLICA, "replica"),
    "not managed": (NodeKind.FOREIGN, "never migrated"),
}
_UNMATCHED = {
    Unmatched.DEFAULT_ONLY: "unmatched: DefaultOnly",
    Unmatched.EVERYWHERE: "migrated on every alias",
    Unmatched.REFUSE: "unmatched: Refuse",
}


def draw(scenes: Iterable[Scene]) -> Chart:
    """Return projects side by side; a database that several aliases share is there once."""
    chart = Chart()
    known: dict[str, str] = {}
    for index, scene in enumerate(scenes):
        _Drawing(f"p{index}", scene, build_desired(scene.snapshot)).add_to(chart, known)
    return chart


class _Drawing:
    """One project on its way into the chart."""

    def __init__(self, prefix: str, scene: Scene, desired: Desired) -> None:
        self._prefix = prefix
        self._scene = scene
        self._desired = desired
        self._owners = desired.resolution.owners
        self._ids = {name: f"{prefix}a{i}" for i, name in enumerate(sorted(self._owners))}

    def add_to(self, chart: Chart, known: dict[str, str]) -> None:
        """Add the project, and those of its databases that no other has brought."""
        routes = list(self._routes(chart))
        aliases = [self._alias(name) for name in self._ids]
        label = f"DjangoProject {self._scene.key.name}"
        chart.groups.append(Group(self._prefix, label, (*routes, *aliases)))
        for name, alias in sorted(self._owners.items()):
            chart.edges += self._belongs(alias)
            if not alias.empty:
                self._lead(name, chart, known)

    def _routes(self, chart: Chart) -> Iterator[Node]:
        """Yield what decides, in the order in which Django asks."""
        routing = self._desired.project.routing
        yield from self._own_routers("before", routing.before)
        ordered = sorted(
            self._scene.snapshot.policies, key=lambda one: (one.order, one.metadata.name)
        )
        for place, policy in enumerate(ordered):
            for index, rule in enumerate(policy.rules):
                lines = _claims(policy, rule, others="" if place == index == 0 else "other ")
                node = Node(f"{self._prefix}r{place}x{index}", NodeKind.ROUTE, lines)
                chart.edges += self._rule_edges(node.id, rule)
                yield node
        yield from self._own_routers("after", routing.after)
        if not any(EVERYTHING in rule.match.apps for one in ordered for rule in one.rules):
            yield self._unmatched(chart, alone=not ordered)

    def _own_routers(self, place: str, paths: Iterable[str]) -> Iterator[Node]:
        for index, path in enumerate(paths):
            lines = (path, f"own router, routing.{place}")
            yield Node(f"{self._prefix}{place}{index}", NodeKind.ROUTER, lines)

    def _unmatched(self, chart: Chart, *, alone: bool) -> Node:
        unmatched = Unmatched(self._desired.routing.document["unmatched"])
        routing = self._desired.project.routing
        # Only its own code knows what a router of the project claims.
        own = routing.before or routing.after
        others = "apps that no router claims" if own else "all apps" if alone else "all other apps"
        node = Node(f"{self._prefix}rest", NodeKind.ROUTE, (others, _UNMATCHED[unmatched]))
        if unmatched is not Unmatched.REFUSE and DEFAULT_ALIAS in self._ids:
            chart.edges.append(Edge(node.id, self._ids[DEFAULT_ALIAS], "read, write"))
        return node

    def _rule_edges(self, node: str, rule: Rule) -> Iterator[Edge]:
        words = {rule.write: ["write"]}
        for alias in rule.readers:
            often = f" ×{rule.weights[alias]}" if rule.weights.get(alias, 1) > 1 else ""
            words.setdefault(alias, []).insert(0, f"read{often}")
        for alias, said in sorted(words.items()):
            yield Edge(node, self._ids[alias], ", ".join(said))
        for alias in rule.migrated_on:
            if alias != rule.write:
                yield Edge(node, self._ids[alias], "migrate", aside=True)

    def _alias(self, name: str) -> Node:
        why = self._desired.routing.document["guard"]["never"].get(name)
        kind, word = _NEVER.get(why, (NodeKind.ALIAS, ""))
        return Node(self._ids[name], kind, (name, word) if word else (name,))

    def _belongs(self, alias: DatabaseAlias) -> Iterator[Edge]:
        """Yield the way to what an alias inherits from, or mirrors as a replica."""
        parent = alias.inherit_from or alias.test.get("MIRROR")
        replica = alias.role is Role.REPLICA
        if parent in self._ids and (replica or alias.inherit_from):
            word = "replica of" if replica else "inherits from"
            yield Edge(self._ids[alias.alias], self._ids[parent], word, aside=True)

    def _lead(self, name: str, chart: Chart, known: dict[str, str]) -> None:
        entry = self._desired.resolution.entries.get(name)
        database = entry.database if entry else None
        key = database.key if database else f"{self._ids[name]} unresolved"
        if key not in known:
            known[key] = f"d{len(known)}"
            server = self._owners[name].server
            lines = _address(entry, server) if entry else ("not known", _lacking(server))
            chart.databases.append(Node(known[key], NodeKind.DATABASE, lines))
        chart.edges.append(Edge(self._ids[name], known[key]))


def _claims(policy: DatabaseRoutingPolicy, rule: Rule, *, others: str) -> tuple[str, ...]:
    apps = [f"all {others}apps" if app == EVERYTHING else app for app in rule.match.apps]
    lines = [", ".join(names) for names in (apps, rule.match.models) if names]
    if rule.migrate_on is MigrateOn.NOWHERE:
        lines.append("migrated nowhere")
    elif rule.write not in rule.migrated_on:
        lines.append(f"not migrated on {rule.write}")
    return (*lines, f"policy {policy.metadata.name}")


def _lacking(server: ServerRef | None) -> str:
    return f"its {Kind.SERVER if server else 'Secret'} is not among the files"


def _address(entry: Entry, server: ServerRef | None) -> tuple[str, ...]:
    """Return what the public settings of a connection say of its database, and whose it is."""
    settings: Mapping[str, object] = entry.connection.settings
    hidden = {path[0] for path, _ in entry.connection.secrets}
    engine = str(settings["ENGINE"]).rpartition(".")[2]
    name = "its name is in a Secret" if "NAME" in hidden else str(settings.get("NAME", ""))
    host = "its host is in a Secret" if "HOST" in hidden else str(settings.get("HOST", ""))
    port = "" if "PORT" in hidden else str(settings.get("PORT", ""))
    place = f"{host}:{port}" if host and port else host or (f"port {port}" if port else "")
    whose = f"{Kind.SERVER} {server.name}" if server else ""
    return tuple(line for line in (engine, name, place, whose) if line)
