"""When a server that failed is tried again."""

from __future__ import annotations

from dataclasses import replace

from dbalias.api.conditions import Reason
from dbalias.api.meta import Key
from dbalias.api.secrets import SecretBytes
from dbalias.api.server import ServerEngine
from dbalias.reconcile.provisioning.backoff import FIRST, LIMIT, Backoff
from dbalias.reconcile.provisioning.snapshot import Trouble
from dbalias.servers.address import Address
from unit.reconcile.provisioning.serving import NOW

SERVER = Key("databases", "main")
ADDRESS = Address(ServerEngine.POSTGRESQL, "db", 5432, "admin", SecretBytes(b"x"))
DECLARED = (1, ADDRESS)
DOWN = Trouble(Reason.DATABASE_UNREACHABLE, "no answer")


def test_each_failure_waits_longer_up_to_five_minutes() -> None:
    """With jitter, so that servers that went down together are not tried together."""
    backoff, pauses = Backoff(), []
    for _ in range(14):
        told = backoff.failed(SERVER, DECLARED, DOWN, NOW)
        assert told.again is not None
        pauses.append(told.again - NOW)
    assert FIRST / 2 <= pauses[0] <= FIRST
    assert LIMIT / 2 <= pauses[-1] <= LIMIT
    assert all(pause <= LIMIT for pause in pauses)


def test_a_server_is_not_tried_before_its_time() -> None:
    """Whatever happens to its aliases."""
    backoff = Backoff()
    told = backoff.failed(SERVER, DECLARED, DOWN, NOW)
    assert told.again is not None
    assert backoff.holds(SERVER, DECLARED, NOW) == told
    assert backoff.holds(SERVER, DECLARED, told.again) is None


def test_a_server_that_was_edited_is_tried_at_once() -> None:
    """Somebody has just mended it: the object, or what its Secrets say."""
    backoff = Backoff()
    backoff.failed(SERVER, DECLARED, DOWN, NOW)
    for mended in ((2, ADDRESS), (1, replace(ADDRESS, password=SecretBytes(b"y")))):
        assert backoff.holds(SERVER, mended, NOW) is None


def test_one_server_down_holds_no_other() -> None:
    """Each has its own count."""
    backoff = Backoff()
    backoff.failed(SERVER, DECLARED, DOWN, NOW)
    assert backoff.holds(Key("databases", "other"), DECLARED, NOW) is None


def test_the_first_success_resets_the_count() -> None:
    """The next failure is the first again."""
    backoff = Backoff()
    for _ in range(8):
        backoff.failed(SERVER, DECLARED, DOWN, NOW)
    backoff.forget(SERVER)
    told = backoff.failed(SERVER, DECLARED, DOWN, NOW)
    assert told.again is not None
    assert told.again - NOW <= FIRST
