"""Named namespaces: Roles in these alone, and each goes its own way."""

from __future__ import annotations

import time

import pytest

from integration.operator.objects import alias, project, secret
from integration.operator.operating import running
from integration.operator.workbench import ACCOUNT, Space, Workbench

LEFT, RIGHT = "left", "right"
CLUSTER_ROLE = "dbalias-system-dbalias"
SCOPE = f"--set=watchNamespaces={{{LEFT},{RIGHT}}}"
OVER_A_MINUTE = 70
"""Seconds: watches that are forbidden have ended whole processes after one minute."""


@pytest.fixture(scope="module")
def narrow(own_bench: Workbench) -> Workbench:
    """A control plane on which the operator has Roles in two namespaces and nothing else."""
    own_bench.kubectl("delete", "clusterrole,clusterrolebinding", CLUSTER_ROLE)
    for name in (LEFT, RIGHT):
        restore(own_bench, name)
    own_bench.grant(SCOPE)
    return own_bench


def test_named_namespaces_need_no_right_elsewhere(narrow: Workbench) -> None:
    """The chart grants nothing in other namespaces and nothing cluster-wide."""
    asked = f"--as={ACCOUNT}"
    for verb, what in (("get", "secrets"), ("create", "configmaps"), ("list", "djangoprojects")):
        there = narrow.kubectl("auth", "can-i", verb, what, "-n", "default", asked, check=False)
        here = narrow.kubectl("auth", "can-i", verb, what, "-n", LEFT, asked, check=False)
        assert (there.split()[0], here.split()[0]) == ("no", "yes"), what
    assert narrow.kubectl("get", "clusterrole", CLUSTER_ROLE, "--ignore-not-found") == ""


def test_one_namespace_lost_leaves_the_other_and_comes_back(narrow: Workbench) -> None:
    """Deleted with its RoleBinding, and restored: no restart is needed for either."""
    left, right = Space(narrow, LEFT), Space(narrow, RIGHT)
    with running(narrow.operator(f"--namespace={LEFT}", f"--namespace={RIGHT}")) as operator:
        declare(left, "shop")
        declare(right, "shop")
        narrow.kubectl("delete", "namespace", LEFT, "--timeout=60s")
        time.sleep(OVER_A_MINUTE)
        declare(right, "later")
        assert operator.is_running()
        assert operator.is_ready()
        left = restore(narrow, LEFT)
        narrow.grant(SCOPE)
        declare(left, "again", seconds=90)
        declare(right, "last")
        assert operator.is_running()


def restore(bench: Workbench, name: str) -> Space:
    """Create a namespace of this very name."""
    bench.kubectl("create", "namespace", name)
    return Space(bench, name)


def declare(space: Space, name: str, *, seconds: float = 45) -> None:
    """Declare a project in a namespace and wait until it is served."""
    space.apply(project(name), alias("default", of=name), secret())
    space.wait_for("djp", name, reason="Ready", seconds=seconds)
