"""Which project an object belongs to, as far as an event tells."""

from __future__ import annotations

import pytest

from dbalias.api.meta import JSON
from dbalias.cluster.watch import project_of
from integration.operator.objects import alias, everything_to, policy, project


def a_job(**metadata: JSON) -> JSON:
    """Return a Job with this metadata."""
    return {"kind": "Job", "metadata": {"name": "x"} | metadata}


OWNER = {"kind": "DjangoProject", "name": "shop", "controller": True}


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (project("shop"), "shop"),
        (alias("users", of="shop"), "shop"),
        (policy("all", everything_to("users"), of="shop"), "shop"),
        ({"kind": "DatabaseAlias", "metadata": {"name": "x"}}, None),
        (a_job(labels={"dbalias.dev/project": "shop"}), "shop"),
        (a_job(ownerReferences=[OWNER]), "shop"),
        (a_job(ownerReferences=[{**OWNER, "controller": False}]), None),
        (a_job(ownerReferences=[{**OWNER, "kind": "CronJob"}]), None),
        (a_job(), None),
    ],
    ids=["project", "alias", "policy", "no spec", "label", "owner", "a user", "other", "foreign"],
)
def test_an_event_is_about_the_project_that_its_object_names(body: JSON, name: str | None) -> None:
    """By its own name, its reference, its owner or its label."""
    assert project_of(body) == name
