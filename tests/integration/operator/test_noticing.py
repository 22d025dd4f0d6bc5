"""How soon the operator notices, and what nobody may believe before it has."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator

import pytest

from integration.operator.objects import alias, everything_to, policy, project, secret
from integration.operator.operating import Operator, running, wait_until
from integration.operator.workbench import Space, Workbench

AT_ONCE = 12.0
"""Seconds: a second of quiet and a pass take two, and the poll, were it the poll, at least 16."""
NEW = ("n3w", "n3wer", "n3west")
"""Passwords to be noticed, one by one: a busy machine may be late, though not each time."""


@pytest.fixture(scope="module")
def watching(own_bench: Workbench) -> Iterator[Operator]:
    """An operator, not yet started, that may watch Secrets."""
    own_bench.grant("--set=watchSecrets=true")
    operator = own_bench.operator("--all-namespaces", "--watch-secrets")
    yield operator
    operator.stop()


def test_waiting_for_fresh_objects_does_not_end_while_no_operator_runs(
    own_bench: Workbench, watching: Operator
) -> None:
    """Not by the condition, and not by the generation that a tool of GitOps compares."""
    assert not watching.is_running()
    space = own_bench.namespace("fresh")
    space.apply(project(), alias("default"), policy("all", everything_to("default")), secret())
    for what in ("djp/shop", "dba/shop-default", "dbrp/all"):
        waited = own_bench.kubectl(
            "wait", "--for=condition=Ready", "--timeout=1s", what, "-n", space.name, check=False
        )
        assert "timed out" in waited, what
        body = space.get(*what.split("/")) or {}
        assert body["status"]["observedGeneration"] == -1
    with running(watching):
        for what in ("djp/shop", "dba/shop-default", "dbrp/all"):
            own_bench.kubectl(
                "wait", "--for=condition=Ready", "--timeout=180s", what, "-n", space.name
            )
        assert "default" in space.document()["databases"]


def test_a_watched_secret_is_noticed_at_once(own_bench: Workbench, watching: Operator) -> None:
    """With watchSecrets a changed password need not wait for the next poll."""
    space = own_bench.namespace("secrets")
    with running(watching):
        space.apply(project(), alias("default"), secret())
        space.wait_for("djp", "shop", reason="Ready")
        assert any(seconds_until_noticed(space, new) < AT_ONCE for new in NEW)


def test_a_polled_secret_is_noticed_within_half_a_minute(space: Space) -> None:
    """Without the right to watch Secrets."""
    space.apply(project(), alias("default"), secret())
    space.wait_for("djp", "shop", reason="Ready")
    assert any(seconds_until_noticed(space, new) < 35 for new in NEW)


@pytest.mark.parametrize("kind", ["configmap", "secret"])
def test_a_lost_label_is_restored(space: Space, kind: str) -> None:
    """Watches and people find our objects by it; what others have set stays."""
    space.apply(project(), alias("default"), secret())
    space.wait_for("djp", "shop", reason="Ready")
    space.patch(kind, "shop-databases", metadata={"labels": {"theirs": "stays"}})
    before = labels(space, kind)
    space.patch(kind, "shop-databases", metadata={"labels": {"dbalias.dev/project": None}})
    wait_until(lambda: labels(space, kind) == before, what="the label restored")


def test_a_lost_owner_reference_is_reported_not_seized(space: Space) -> None:
    """Without it the object may be anybody's: the project says so, and takes it back on none."""
    space.apply(project(), alias("default"), secret())
    space.wait_for("djp", "shop", reason="Ready")
    space.patch("configmap", "shop-databases", metadata={"ownerReferences": None})
    said = space.wait_for("djp", "shop", reason="NameTaken")
    assert "ConfigMap/shop-databases" in said["message"]
    space.delete("configmap", "shop-databases")
    space.wait_for("djp", "shop", reason="Ready")


def seconds_until_noticed(space: Space, new: str) -> float:
    """Change the password; return after how long it is published."""
    time.sleep(5)  # what was published last is polled anew, and will not be for a while
    space.apply(secret(password=new))
    changed = time.monotonic()
    wait_until(lambda: password(space) == new.encode(), what="the new password published")
    return time.monotonic() - changed


def password(space: Space) -> bytes:
    """Return the published password of default."""
    stored = space.get("secret", "shop-databases") or {"data": {}}
    return base64.b64decode(stored["data"].get("default.password", ""))


def labels(space: Space, kind: str) -> dict[str, str]:
    """Return the labels of what is published."""
    body = space.get(kind, "shop-databases") or {}
    return dict(body["metadata"]["labels"])
