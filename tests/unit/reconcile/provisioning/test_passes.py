"""A round over the aliases of a server, where Kubernetes fails one of them."""

from __future__ import annotations

import asyncio

import pytest

from dbalias.api.conditions import Reason
from dbalias.reconcile.ports import ClusterError, NotLeadingError, RefusedError
from dbalias.reconcile.provisioning.deletion import PATIENCE
from dbalias.reconcile.provisioning.memory import Memory
from dbalias.reconcile.provisioning.passes import Round
from dbalias.reconcile.provisioning.snapshot import Trouble
from dbalias.reconcile.provisioning.sorting import Sorting
from dbalias.reconcile.provisioning.tell import Teller
from unit.reconcile.fake import FakeCluster
from unit.reconcile.provisioning.serving import NOW, a_claim, dropped_with_it

TROUBLE = Trouble(Reason.SERVER_UNAVAILABLE, "nobody answers")


class Failing(FakeCluster):
    """A cluster that takes no status."""

    def __init__(self, error: ClusterError) -> None:
        super().__init__()
        self.error = error

    async def apply_status(self, *place: object, **how: object) -> None:
        """Refuse it."""
        raise self.error


def refuse_all(error: ClusterError) -> Round:
    """Run a round over two aliases that fails to write both statuses; return it."""
    claims = (a_claim("users"), a_claim("orders"))
    teller = Teller(Failing(error), lambda: NOW)
    round = Round(Sorting(claims=claims), teller, Memory())
    asyncio.run(round.refuse(TROUBLE))
    return round


def test_what_kubernetes_does_not_take_of_one_alias_is_tried_again_later() -> None:
    """It ends no round: the others have been worked on."""
    assert refuse_all(RefusedError("a quota")).failed


def test_a_round_says_when_a_deletion_waits_no_longer() -> None:
    """The server is tried again in minutes only, and the namespace would end as much later."""
    claim = a_claim(provision=dropped_with_it(), deleted=True, held=True)
    round = Round(Sorting(claims=(claim,)), Teller(FakeCluster(), lambda: NOW), Memory())
    asyncio.run(round.refuse(TROUBLE))
    assert round.ends == [NOW + PATIENCE]


def test_a_lost_lease_ends_the_round_as_one_error() -> None:
    """Two aliases meet with it at once, and a log shall tell of it in one line."""
    with pytest.raises(NotLeadingError, match="the Lease was lost"):
        refuse_all(NotLeadingError("not held"))
