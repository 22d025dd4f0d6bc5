"""Which login an alias publishes next: decided from its binding Secret, the server and the clock.

Two logins take turns. A password is only ever set on the one that is not published, so whoever
holds the published one goes on, and so does whoever still holds the one before it, until the
next rotation begins. That one waits for the workloads; a repair does not, for they cannot wait.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

from dbalias.api.secrets import SecretBytes
from dbalias.servers.bindings import Edited, Foreign, Found, Intact, Issued, Missing
from dbalias.servers.wanted import Pair


class Why(Enum):
    """What a rotation is for, as a message says it."""

    FIRST = "the first login is made"
    LOST = "the binding Secret is lost"
    EDITED = "the binding Secret was edited"
    GIVEN = "the given password was changed"
    REQUESTED = "a rotation was requested"
    SCHEDULED = "the interval is over"


@dataclass(frozen=True, slots=True)
class Keep:
    """The Secret is as it should be, and its login exists; ``due``: the next on schedule."""

    issued: Issued
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Restore:
    """The login is to be made, or its password set, as the Secret says; the Secret stays."""

    issued: Issued
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """A rotation is wanted; the workloads do not have the published login yet."""

    issued: Issued
    why: Why


@dataclass(frozen=True, slots=True)
class Rotate:
    """``login`` gets a new password on the server, and then the Secret is written with it.

    ``request`` is met by it.
    """

    login: str
    why: Why
    request: str | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """The Secret is somebody else's: nothing is published."""

    found: Foreign


Decision: TypeAlias = Keep | Restore | Wait | Rotate | Refuse


@dataclass(frozen=True, slots=True)
class Logins:
    """One pair of logins as a pass found it.

    ``existing``: those on the server. ``reported``: the last that the alias' status names, which
    matters when the Secret is lost. ``disagrees``: the server has another password for the
    published login than the Secret, be it that it refused it, or that we set one before we met
    the Secret.
    """

    pair: Pair
    existing: frozenset[str]
    binding: Found
    reported: str | None = None
    disagrees: bool = False


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked for. ``given`` None: passwords are generated; ``interval`` None: no schedule.

    ``request``: see ``bindings.read_request``. ``settled``: nobody who has to be waited for holds
    another login than the published one; see ``is_settled``.
    """

    settled: bool
    given: SecretBytes | None = None
    interval: timedelta | None = None
    request: str | None = None


def is_settled(login: str | None, *, settled_login: str | None, has_project: bool) -> bool:
    """Tell whether all listed workloads have the login that is published."""
    return not has_project or (login is not None and settled_login == login)


def decide(logins: Logins, wishes: Wishes, *, now: datetime) -> Decision:
    """Return what to do with one pair of logins; pure, and the same until something changes."""
    match logins.binding:
        case Foreign() as foreign:
            return Refuse(foreign)
        case Intact(issued) if issued.login in (logins.pair.a, logins.pair.b):
            return _decide_published(logins, issued, wishes, now=now)
        case Edited(login):
            return _repair(logins, login, Why.EDITED, wishes)
        case Intact():
            return _repair(logins, None, Why.EDITED, wishes)
        case Missing():
            return _repair(logins, None, Why.LOST if logins.reported else Why.FIRST, wishes)


def _repair(logins: Logins, told: str | None, why: Why, wishes: Wishes) -> Rotate:
    """Return the rotation to the login that nobody has, as far as the Secret or status tells."""
    pair = logins.pair
    published = next((one for one in (told, logins.reported) if one in (pair.a, pair.b)), None)
    return Rotate(pair.other(published) if published else pair.a, why, wishes.request)


def _decide_published(logins: Logins, issued: Issued, wishes: Wishes, *, now: datetime) -> Decision:
    due = _due(issued, wishes.interval, now)
    if logins.disagrees or issued.login not in logins.existing:
        return Restore(issued, due)
    why = _reason(issued, wishes, due, now)
    if why is None:
        return Keep(issued, due)
    if not wishes.settled:
        return Wait(issued, why)
    return Rotate(logins.pair.other(issued.login), why, wishes.request)


def _reason(issued: Issued, wishes: Wishes, due: datetime | None, now: datetime) -> Why | None:
    if wishes.given is not None and wishes.given != issued.password:
        return Why.GIVEN
    if wishes.request is not None and wishes.request != issued.request:
        return Why.REQUESTED
    return Why.SCHEDULED if due is not None and due <= now else None


def _due(issued: Issued, interval: timedelta | None, now: datetime) -> datetime | None:
    """Return when the interval is over; a time that is lost, or far ahead, was long ago."""
    if interval is None:
        return None
    if issued.rotated_at is None or issued.rotated_at > now + interval:
        return now
    return issued.rotated_at + interval
