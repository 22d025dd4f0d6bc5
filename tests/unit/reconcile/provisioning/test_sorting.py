"""What a pass has to do with each alias that names its server."""

from __future__ import annotations

from typing import Any

from dbalias.api.conditions import Reason
from dbalias.api.meta import Key, Metadata
from dbalias.api.ownership import DATABASE_FINALIZER
from dbalias.reconcile.provisioning.snapshot import Snapshot, Trouble
from dbalias.reconcile.provisioning.sorting import Sorting, sort
from unit.reconcile.provisioning.serving import (
    INSTALLATION,
    NOW,
    a_server,
    an_alias,
    dropped_with_it,
)

SERVER = Key("databases", "main")
HERE = {"namespace": "databases"}


def sorted_with(*aliases: Any, **fields: Any) -> Sorting:
    """Return the sorting of these aliases of a server that admits its own namespace."""
    given: dict[str, Any] = {"server": a_server(), "aliases": aliases}
    snapshot = Snapshot(SERVER, **(given | fields))
    return sort(snapshot, INSTALLATION)


def test_an_admitted_alias_is_worked_on() -> None:
    """And claims its database."""
    sorting = sorted_with(an_alias(**HERE))
    assert [claim.key.name for claim in sorting.claims] == ["users"]
    assert sorting.claimed == {Key("databases", "users"): "databases_users"}


def test_an_alias_of_a_namespace_that_is_not_admitted_is_refused_and_still_claims() -> None:
    """Else its database would be called an orphan."""
    sorting = sorted_with(an_alias())
    assert sorting.claims == ()
    assert [one.reason for _, one in sorting.refused] == [Reason.NAMESPACE_NOT_ALLOWED]
    assert sorting.claimed == {Key("shop", "users"): "shop_users"}


def test_an_alias_without_provision_is_released_and_claims_nothing() -> None:
    """What was made for it before is an orphan from now on."""
    alias = an_alias(**HERE, provision=None)
    sorting = sorted_with(alias)
    assert sorting.released == (alias,)
    assert sorting.claimed == {}


def test_a_deleted_alias_is_worked_on_while_its_database_is_to_be_dropped() -> None:
    """It still claims the database, so that nobody else takes it meanwhile."""
    sorting = sorted_with(an_alias(**HERE, deleted=True, held=True, provision=dropped_with_it()))
    assert len(sorting.claims) == len(sorting.claimed) == 1


def test_a_deleted_alias_whose_database_stays_is_released() -> None:
    """The policy was changed, and the finalizer is still there."""
    sorting = sorted_with(an_alias(**HERE, deleted=True, held=True))
    assert len(sorting.released) == 1
    assert sorting.claims == ()


def test_a_deleted_alias_that_others_hold_is_left_alone() -> None:
    """It is theirs to finish."""
    sorting = sorted_with(an_alias(**HERE, deleted=True))
    assert (sorting.claims, sorting.refused, sorting.released) == ((), (), ())


def test_without_a_server_all_are_told_so() -> None:
    """An alias has no place then."""
    trouble = Trouble(Reason.SERVER_NOT_FOUND, "there is none")
    sorting = sorted_with(an_alias(), server=None, trouble=trouble)
    assert [one for _, one in sorting.refused] == [trouble]


def test_an_unreadable_alias_that_is_deleted_is_let_go() -> None:
    """What it declared is not known, so nothing is dropped."""
    held = Metadata("shop", "x", deleted_at=NOW, finalizers=(DATABASE_FINALIZER,))
    alive = Metadata("shop", "y", finalizers=(DATABASE_FINALIZER,))
    assert sorted_with(broken=(held, alive)).unreadable == (held,)
