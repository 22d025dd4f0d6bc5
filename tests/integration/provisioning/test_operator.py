"""The operator's process, with the chart's rights: nobody runs a pass by hand."""

from __future__ import annotations

from integration.operator.objects import project
from integration.operator.workbench import Space
from integration.provisioning.logins import can_make_a_table, decoded
from integration.provisioning.rig import an_alias


def test_a_project_publishes_the_login_that_was_made_for_it(served: Space) -> None:
    """From nothing to published settings, whose login opens the database."""
    served.apply(project("shop"), an_alias("shop-default", alias="default", provision={}))
    served.wait_for("databasealias", "shop-default", reason="Provisioned", wanted="Provisioned")
    served.wait_for("djangoproject", "shop", reason="Ready")
    body = served.get("secret", "shop-default-binding")
    assert body is not None
    binding = decoded(body)
    assert can_make_a_table(binding)
    entry = served.document()["databases"]["default"]
    assert entry["settings"]["NAME"] == binding["database"]
    assert entry["settings"]["HOST"] == binding["host"]
