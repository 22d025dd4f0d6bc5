"""Verbs that write do it with the caller's own rights, and say which one is missing."""

from __future__ import annotations

from integration.cli.conftest import Dbalias
from integration.operator.objects import alias, project, secret
from integration.operator.operating import wait_until
from integration.operator.workbench import Space


def test_a_viewer_may_neither_run_a_command_nor_ask_for_a_run(
    space: Space, dbalias: Dbalias
) -> None:
    """What is missing is named as Kubernetes names it, and nothing is there afterwards."""
    foreign = alias("default", migrate={"mode": "Never"})
    declared = project(image="registry.example/shop:1")
    space.apply(declared, foreign, alias("lost", secret="later"), secret())
    wait_until(space.published, what="published settings")

    process = dbalias("manage", "shop", "--database=default", "--", "showmigrations")
    out, err = process.communicate(timeout=180)
    assert (process.returncode, out) == (125, ""), err
    assert "its Job cannot be made" in err
    assert "403 Forbidden" in err
    assert space.all("job") == []

    process = dbalias("retry", "shop", "lost")
    out, err = process.communicate(timeout=180)
    assert (process.returncode, out) == (2, "")
    assert "403 Forbidden" in err
    told = space.get("dba", "shop-lost")
    assert told is not None
    assert "dbalias.dev/migrate-requested-at" not in told["metadata"].get("annotations", {})
