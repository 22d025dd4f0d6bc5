"""What Flux, Helm 4 and Argo CD make of a DatabaseServer, by the status that its passes write."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dbalias.api.conditions import STALLING, Reason
from dbalias.api.meta import JSON
from dbalias.api.parse_server import parse_server
from dbalias.reconcile.provisioning.decide import FAULTS
from dbalias.reconcile.provisioning.server_status import Holdings, server_status
from dbalias.reconcile.provisioning.snapshot import Trouble
from gitops.judging import Verdict, judge
from unit.reconcile.scene import BEGINNING

HOLDINGS = Holdings(version="PostgreSQL 15.14", databases=3, orphans={"count": 0})
ELSEWHERE = (Reason.SECRET_NOT_FOUND, Reason.SECRET_KEY_MISSING, Reason.INVALID_CONFIGURATION)


def judged(trouble: Trouble | None) -> Verdict:
    """Return what is said of a server after a pass that met with this, or with nothing."""
    body: JSON = {
        "apiVersion": "dbalias.dev/v1alpha1",
        "kind": "DatabaseServer",
        "metadata": {"name": "main", "namespace": "databases", "generation": 1},
        "spec": {
            "engine": "postgresql",
            "host": "db.example",
            "adminCredentials": {"secretRef": {"name": "admin"}, "preset": "BasicAuth"},
        },
    }
    server = parse_server(body).value
    assert server is not None
    seen = None if trouble else HOLDINGS
    written = server_status(server, trouble=trouble, holdings=seen, now=BEGINNING)
    assert written is not None
    return judge([body | {"status": written.status}])[0]


def test_server_that_was_reached_is_green() -> None:
    """Its version is what Argo CD shows."""
    told = judged(None)
    assert told.is_green
    assert told.message == HOLDINGS.version


@pytest.mark.parametrize("reason", sorted({*FAULTS.values(), *ELSEWHERE}))
def test_server_in_trouble_is_red_exactly_when_only_an_edit_helps(reason: Reason) -> None:
    """What passes by itself is waited for; nothing of it is ever green."""
    told = judged(Trouble(reason, f"because of {reason}", BEGINNING + timedelta(seconds=5)))
    assert told.is_red == (reason in STALLING)
    assert not told.is_green
    assert told.message == f"because of {reason}"
