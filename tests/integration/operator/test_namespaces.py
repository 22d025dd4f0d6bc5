"""Named namespaces: Roles in these alone, and each goes its own way."""

from __future__ import annotations

import time

from integration.operator.objects import alias, project, secret
from integration.operator.operating import running, wait_until
from integration.operator.workbench import RIGHTS, Space, Workbench

LEFT, RIGHT = "left", "right"
SCOPE = f"--set=watchNamespaces={{{LEFT},{RIGHT}}}"
OVER_A_MINUTE = 70
"""Seconds: watches that are forbidden have ended whole processes after one minute."""


def test_one_namespace_lost_leaves_the_other_and_comes_back(own_bench: Workbench) -> None:
    """Deleted with its RoleBinding, and restored: no restart is needed for either."""
    bench = own_bench
    bench.kubectl("delete", "clusterrole,clusterrolebinding", "dbalias")
    left, right = restore(bench, LEFT), restore(bench, RIGHT)
    bench.grant(SCOPE)
    with running(bench.operator(f"--namespace={LEFT}", f"--namespace={RIGHT}")) as operator:
        declare(left, "shop")
        declare(right, "shop")
        bench.kubectl("delete", "namespace", LEFT, "--timeout=60s")
        time.sleep(OVER_A_MINUTE)
        declare(right, "later")
        assert operator.is_running()
        assert operator.is_ready()
        left = restore(bench, LEFT)
        bench.grant(SCOPE)
        declare(left, "again", seconds=90)
        wait_until(lambda: right.published("later"), what="the other namespace served on")
        assert operator.is_running()


def test_named_namespaces_need_nothing_of_the_whole_cluster(own_bench: Workbench) -> None:
    """With the chart's Roles alone a Secret, a ConfigMap and a status elsewhere are out of reach."""
    bench = own_bench
    account = "--as=system:serviceaccount:dbalias-system:dbalias"
    for what in ("list secrets", "create configmaps", "list djangoprojects.dbalias.dev"):
        said = bench.kubectl("auth", "can-i", *what.split(), "-n", "default", account, check=False)
        assert said.startswith("no"), what
    assert "ClusterRole" in RIGHTS
    assert bench.kubectl("get", "clusterrole", "dbalias", "--ignore-not-found") == ""


def restore(bench: Workbench, name: str) -> Space:
    """Create a namespace of this very name."""
    bench.kubectl("create", "namespace", name)
    return Space(bench, name)


def declare(space: Space, name: str, *, seconds: float = 45) -> None:
    """Declare a project in a namespace and wait until it is served."""
    space.apply(project(name), alias("default", of=name), secret())
    space.wait_for("djp", name, reason="Ready", seconds=seconds)
