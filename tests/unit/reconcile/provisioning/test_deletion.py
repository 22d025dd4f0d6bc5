"""What is told of a database that outlives its alias, or of what is left of one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dbalias.api.conditions import Reason
from dbalias.api.provision import ServerRef
from dbalias.api.secrets import SecretBytes
from dbalias.api.server import ServerEngine
from dbalias.reconcile.actions import Note
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.provisioning.claims import Claim
from dbalias.reconcile.provisioning.deletion import drop, left_over
from dbalias.reconcile.provisioning.snapshot import Trouble, TroubleError
from dbalias.reconcile.provisioning.work import Work
from dbalias.servers.address import Address
from dbalias.servers.connecting import connect
from dbalias.servers.marks import Mark
from dbalias.servers.plot import Standing
from unit.reconcile.fake import FakeCluster
from unit.reconcile.provisioning.serving import (
    INSTALLATION,
    NOW,
    a_claim,
    a_plot,
    a_server,
    an_alias,
    dropped_with_it,
)

OWN = Mark(INSTALLATION, "shop", "users")
ADOPTED = Mark(INSTALLATION, "shop", "users", adopted=True)
THEIRS = Mark("another", "shop", "users")
SEEN = {"server": "databases/main", "database": "shop_users", "incarnation": "1", "place": "old"}


def deleted(**fields: Any) -> Claim:
    """Return an alias that is deleted, and its database with it."""
    server = ServerRef("databases", "main")
    return a_claim(provision=dropped_with_it(), deleted=True, held=True, server=server, **fields)


def dropped(claim: Claim, **found: Any) -> Note | None:
    """Return what is told when the alias is deleted, its server having nothing to drop."""
    address = Address(ServerEngine.POSTGRESQL, "db", 5432, "admin", SecretBytes(b"admin"))
    cluster = FakeCluster()
    secrets = BindingSecrets(cluster)
    work = Work(cluster, secrets, connect(address), a_server(), address, lambda: NOW)
    return asyncio.run(drop(work, claim, a_plot(claim, **found)))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ({"standing": Standing.ANOTHERS, "holder": THEIRS}, f"it belongs to {THEIRS}"),
        ({"standing": Standing.UNMARKED}, "it carries no mark that says that this alias made it"),
        ({"holder": ADOPTED}, "it, or the role that owns it, was taken over"),
    ],
    ids=["another's", "unmarked", "adopted"],
)
def test_database_that_stays_is_told_with_the_reason(found: dict[str, Any], why: str) -> None:
    """Whose it is, or what would have to prove that the alias made it."""
    note = dropped(deleted(), **found)
    assert note is not None
    assert (note.reason, note.warning) == ("DatabaseRetained", True)
    assert f"the database shop_users was not dropped: {why}" in note.message


@pytest.mark.parametrize("holder", [ADOPTED, OWN, None], ids=["adopted", "made", "none"])
def test_database_that_is_gone_already_is_not_called_retained(holder: Mark | None) -> None:
    """Whether or not the role that owned it was there before."""
    assert dropped(deleted(), standing=Standing.CLAIMED, incarnation=None, holder=holder) is None


def test_database_that_is_not_where_its_server_leads_is_waited_for() -> None:
    """It stands where it was seen last: its Secret is not thrown away for a slip of the pen."""
    claim = deleted(status={"provision": SEEN})
    with pytest.raises(TroubleError, match="was seen last at old, and is not at db"):
        dropped(claim, standing=Standing.ABSENT, incarnation=None)


def test_stranger_at_the_new_place_does_not_hide_where_the_own_was_seen() -> None:
    """Both are told: what stays there, and where to look."""
    note = dropped(deleted(status={"provision": SEEN}), standing=Standing.UNMARKED)
    assert note is not None
    assert "the alias' own was seen last at old" in note.message


def test_role_that_is_left_is_told_as_such() -> None:
    """Its database was dropped before."""
    alias = an_alias(status={"provision": SEEN})
    note = left_over(alias, Trouble(Reason.ROLE_IN_USE, "drop owner role shop_users: no"))
    assert note is not None
    assert note.reason == "RoleRetained"
    assert note.message.startswith("the database shop_users was dropped, and a role was not: drop")


def test_nothing_is_told_of_a_database_that_never_was() -> None:
    """An alias that was refused from the beginning leaves nothing."""
    assert left_over(an_alias(), Trouble(Reason.SERVER_UNAVAILABLE, "no answer")) is None
