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
DECLARED = [body for name, body in PARTS.items() if name != "secret"]
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
    """Wait until every object has been looked at and is Ready; return the published revision."""

    def ready() -> bool:
        found = (client.get(body["kind"], space, body["metadata"]["name"]) for body in DECLARED)
        return all(is_ready(body) for body in found)

    wait_until(ready, what=f"every object in {space} Ready")
    # Published before any status says so: the project's own may still tell of the one before.
    published = client.get("ConfigMap", space, "shop-databases")
    assert published is not None
    return str(published["metadata"]["annotations"]["dbalias.dev/revision"])


def is_ready(body: Body | None) -> bool:
    """Tell whether an object's condition Ready is True."""
    conditions = ((body or {}).get("status") or {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
