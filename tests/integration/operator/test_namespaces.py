"""Named namespaces: Roles in these alone, and each goes its own way."""

from __future__ import annotations

import time
from functools import partial

import pytest

from integration.operator.objects import alias, project, secret
from integration.operator.operating import running, wait_until
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
    for asked in (("get", "secrets"), ("create", "configmaps"), ("list", "djangoprojects")):
        # The server reads its roles by watch: it knows them a moment after they are changed.
        wait_until(partial(may_here_alone, narrow, *asked), what=f"{asked} in {LEFT} alone")
    assert narrow.kubectl("get", "clusterrole", CLUSTER_ROLE, "--ignore-not-found") == ""


def test_one_namespace_lost_leaves_the_other_and_comes_back(narrow: Workbench) -> None:
    """Deleted with its RoleBinding, and restored: no restart is needed for either."""
    left, right = Space(narrow, LEFT), Space(narrow, RIGHT)
    with running(narrow.operator(f"--namespace={LEFT}", f"--namespace={RIGHT}")) as operator:
        declare(left, "shop")
        declare(right, "shop")
        narrow.kubectl("delete", "namespace", LEFT, "--timeout=180s")
        time.sleep(OVER_A_MINUTE)
        declare(right, "later")
        assert operator.is_running()
        assert operator.is_ready()
        left = restore(narrow, LEFT)
        narrow.grant(SCOPE)
        declare(left, "again")
        declare(right, "last")
        assert operator.is_running()


def may_here_alone(bench: Workbench, verb: str, what: str) -> bool:
    """Tell whether the operator's account may do something in a named namespace, not elsewhere."""
    question = ("auth", "can-i", verb, what, f"--as={ACCOUNT}", "-n")
    said = (bench.kubectl(*question, space, check=False) for space in (LEFT, "default"))
    return [one.split()[0] for one in said] == ["yes", "no"]


def restore(bench: Workbench, name: str) -> Space:
    """Create a namespace of this very name."""
    bench.kubectl("create", "namespace", name)
    return Space(bench, name)


def declare(space: Space, name: str) -> None:
    """Declare a project in a namespace and wait until it is served."""
    space.apply(project(name), alias("default", of=name), secret())
    space.wait_for("djp", name, reason="Ready")
