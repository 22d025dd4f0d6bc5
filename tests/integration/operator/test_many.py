"""Many objects changed at once are one change."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from integration.operator.objects import alias, project, secret
from integration.operator.operating import wait_until
from integration.operator.workbench import Body, Space
from stage.api import Watch

COUNT = 500
AT_ONCE = 16
LONG = 180
"""Seconds for one pass over so many, on a busy machine."""


class Revisions:
    """Every revision that the published ConfigMaps of a namespace ever carried, in order."""

    def __init__(self, watch: Watch, namespace: str) -> None:
        self._watch, self._namespace = watch, namespace
        self.seen: list[str] = []
        self._thread = threading.Thread(target=self._record)

    def __enter__(self) -> Revisions:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.stop()
        self._thread.join()

    def _record(self) -> None:
        for body in self._watch:
            meta = body["metadata"]
            revision = (meta.get("annotations") or {}).get("dbalias.dev/revision")
            if meta["namespace"] == self._namespace and revision and revision not in self.seen:
                self.seen.append(revision)


def test_500_aliases_edited_at_once_are_at_most_two_revisions(space: Space) -> None:
    """Edits in quick succession are published together, and nothing of them is lost."""
    names = ["default", *(f"shard{number}" for number in range(COUNT - 1))]
    space.apply(secret(), project(), *(alias(name) for name in names))
    wait_until(lambda: len(hosts(space)) == COUNT, seconds=LONG, what="all published")
    space.wait_for("djp", "shop", reason="Ready", seconds=LONG)
    # A pause between two edits, which a busy machine may make, is a pause to the operator too.
    hosts_of_rounds = ("one.example", "two.example", "three.example")
    assert any(len(edited(space, names, host)) <= 2 for host in hosts_of_rounds)


def edited(space: Space, names: list[str], host: str) -> list[str]:
    """Give all aliases this host at once; return every revision that was published of it."""
    before = space.document()["revision"]
    with (
        closing(space.bench.client()) as client,
        Revisions(client.watch("ConfigMap"), space.name) as revisions,
    ):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            edits = (alias(name, host=host) for name in names)
            list(pool.map(lambda body: client.apply(within(space, body)), edits))
        wait_until(lambda: set(hosts(space)) == {host}, seconds=LONG, what="all edited")
        last = space.document()["revision"]
        wait_until(lambda: last in revisions.seen, what="the watch sees the last revision")
    assert before not in revisions.seen
    return revisions.seen


def within(space: Space, body: Body) -> Body:
    """Return an object with its namespace."""
    return {**body, "metadata": {**body["metadata"], "namespace": space.name}}


def hosts(space: Space) -> list[str]:
    """Return the hosts of all published databases."""
    if space.published() is None:
        return []
    entries = space.document()["databases"].values()
    return [entry["settings"]["HOST"] for entry in entries]
