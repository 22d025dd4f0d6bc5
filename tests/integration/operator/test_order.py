"""Apply order is nobody's promise: whatever comes first, the end is the same."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from integration.operator.objects import alias, everything_to, policy, project, secret
from integration.operator.operating import Operator, wait_until
from integration.operator.workbench import Body, Workbench
from stage.api import ApiServer
from stage.watching import History

PAUSE = 1.5
"""Seconds between two objects: longer than the operator waits for quiet, so each is a pass."""

PARTS: dict[str, Body] = {
    "project": project(),
    "default": alias("default", empty=True),
    "users": alias("users"),
    "policy": policy("all", everything_to("users")),
    "secret": secret(),
}
ORDERS = list(itertools.permutations(PARTS))


def test_every_order_of_application_ends_the_same_and_never_stalls(
    bench: Workbench, operator: Operator
) -> None:
    """All 120 orders at once, one operator: one revision in the end, Stalled at no time."""
    assert operator.is_running()
    spaces = {order: f"order-{number}" for number, order in enumerate(ORDERS)}
    with closing(bench.client()) as client, History(client) as history:
        with ThreadPoolExecutor(len(ORDERS)) as pool:
            list(pool.map(lambda order: put(client, spaces[order], order), ORDERS))
        ends = {order: end(client, space) for order, space in spaces.items()}
        assert set(ends.values()) == {ends[ORDERS[0]]}
        stalled = {order: history.stalled(space) for order, space in spaces.items()}
        assert {order: said for order, said in stalled.items() if said} == {}
        assert all(history.versions(space) for space in spaces.values())


def put(client: ApiServer, space: str, order: tuple[str, ...]) -> None:
    """Apply the parts in a new namespace, one after the other, with a pause after each."""
    client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    for part in order:
        body = PARTS[part]
        client.apply({**body, "metadata": {**body["metadata"], "namespace": space}})
        time.sleep(PAUSE)


def end(client: ApiServer, space: str) -> str:
    """Wait until the project is Ready; return the revision that is published."""

    def published() -> str | None:
        status = (client.get("DjangoProject", space, "shop") or {})["status"]
        ready = {c["type"]: c["status"] for c in status.get("conditions", ())}.get("Ready")
        return status["publishedRevision"] if ready == "True" else None

    return str(wait_until(published, seconds=120, what=f"the project in {space} Ready"))
