"""The logins of one alias: each pair with the Secret that publishes one of the two."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from dbalias.api.conditions import Reason, timestamp
from dbalias.api.secrets import SecretBytes
from dbalias.reconcile.declared import decode_secret
from dbalias.reconcile.poll import version_of
from dbalias.reconcile.ports import ForbiddenError, Resource
from dbalias.reconcile.provisioning.claims import Claim
from dbalias.reconcile.provisioning.decide import Move, plan_move
from dbalias.reconcile.provisioning.secrets import Slot, empty_slot, read_slot
from dbalias.reconcile.provisioning.snapshot import Trouble, TroubleError
from dbalias.reconcile.provisioning.work import Work
from dbalias.servers.bindings import Foreign, Intact, Issued, read_request
from dbalias.servers.faults import Fault, ServerFaultError
from dbalias.servers.passwords import fault_of, generate
from dbalias.servers.plot import Plot
from dbalias.servers.rotation import Logins, Wishes, decide, is_settled
from dbalias.servers.wanted import Pair


@dataclass(frozen=True, slots=True)
class Seat:
    """One pair of logins; ``reported``: the one that the alias' status names, and since when.

    Of readers it names no time.
    """

    pair: Pair
    slot: Slot
    reported: str | None
    given: SecretBytes | None = None
    since: str | None = None

    def is_told(self, issued: Issued) -> bool:
        """Tell whether the status tells of this very login."""
        moment = timestamp(issued.rotated_at) if issued.rotated_at else None
        return issued.login == self.reported and self.since in (None, moment)


async def read_seats(work: Work, claim: Claim, plot: Plot) -> list[Seat]:
    """Return the logins of an alias, those that may only read last; raise TroubleError.

    No Secret is read where no login was ever made.
    """
    try:
        return await _read_seats(work, claim, plot)
    except ForbiddenError as error:
        message = f"the operator may not read a Secret of this alias: {error}"
        raise TroubleError(Trouble(Reason.UNREADABLE, message, work.again())) from None


async def _read_seats(work: Work, claim: Claim, plot: Plot) -> list[Seat]:
    wanted, reported = claim.wanted, claim.alias.status.get("provision") or {}
    given = await _given_password(work, claim)
    slot = await _slot(work, claim, plot, readers=False)
    since = reported.get("rotatedAt")
    seats = [Seat(wanted.logins, slot, reported.get("login"), given, since)]
    if wanted.readers and not claim.withdraws_readers:
        slot = await _slot(work, claim, plot, readers=True)
        seats.append(Seat(wanted.readers, slot, reported.get("readOnlyLogin")))
    for seat in seats:
        if isinstance(seat.slot.found, Foreign):
            raise TroubleError(_taken(seat.slot.name, seat.slot.found))
    return seats


async def _slot(work: Work, claim: Claim, plot: Plot, *, readers: bool) -> Slot:
    mark = claim.wanted.mark
    if not plot.logins and not claim.alias.status.get("binding"):
        return empty_slot(mark, readers=readers)
    return await read_slot(work.secrets, mark, work.server.engine, readers=readers)


def _taken(name: str, found: Foreign) -> Trouble:
    whose = f"of {found.holder}" if found.holder else "of somebody else's"
    message = f"there is a Secret {name} {whose}: it is left alone. Rename or delete it"
    return Trouble(Reason.NAME_TAKEN, message)


async def _given_password(work: Work, claim: Claim) -> SecretBytes | None:
    """Return the password that the alias gives; None where one is generated."""
    credentials = claim.alias.credentials
    if credentials is None:
        return None
    name, key = credentials.secret, credentials.keys.get("password", "password")
    place = (Resource.SECRETS, claim.key.namespace, name)
    body = await work.cluster.get(*place)
    work.versions[place] = version_of(body)
    if body is None:
        raise _wrong(work, f"Secret {name} does not exist. Create it", Reason.SECRET_NOT_FOUND)
    value = decode_secret(body).get(key)
    if value is None:
        raise _wrong(work, f"Secret {name} has no key {key}. Add it", Reason.SECRET_KEY_MISSING)
    if fault := fault_of(value):
        message = f"the password in the key {key} of Secret {name} {fault}"
        raise _wrong(work, message, Reason.INVALID_CONFIGURATION)
    return value


def _wrong(work: Work, message: str, reason: Reason) -> TroubleError:
    return TroubleError(Trouble(reason, message, work.again()))


async def decide_moves(work: Work, claim: Claim, plot: Plot, seats: list[Seat]) -> list[Move]:
    """Return what becomes of each seat's login, in the order of the seats."""
    found = seats[0].slot.found
    published = found.issued.login if isinstance(found, Intact) else None
    settled_login = claim.alias.status.get("settledLogin")
    settled = is_settled(published, settled_login=settled_login, has_project=True)
    moves = [await _decide_move(work, claim, plot, seat, settled=settled) for seat in seats]
    if any(move.waits for move in moves) and not await _has_project(work, claim):
        return [await _decide_move(work, claim, plot, seat, settled=True) for seat in seats]
    return moves


async def _has_project(work: Work, claim: Claim) -> bool:
    """Tell whether there is a project, whose workloads would have to be waited for."""
    namespace, name = claim.key.namespace, claim.alias.project
    return await work.cluster.get(Resource.PROJECTS, namespace, name) is not None


async def _decide_move(work: Work, claim: Claim, plot: Plot, seat: Seat, *, settled: bool) -> Move:
    logins = Logins(
        pair=seat.pair,
        existing=plot.logins,
        binding=seat.slot.found,
        reported=seat.reported,
        disagrees=await _disagrees(work, claim, plot, seat),
    )
    wishes = Wishes(
        settled=settled,
        given=seat.given,
        interval=claim.provision.rotation,
        request=read_request(claim.alias.metadata.annotations),
    )
    now = work.clock()
    decision = decide(logins, wishes, now=now)
    make = partial(generate, claim.provision.password)
    move = plan_move(decision, wishes, generate=make, now=now)
    assert move is not None, "a Secret of somebody else's was refused before"
    # Whoever may try logins calls none connected that was not seen to work.
    return replace(move, tries=True) if move.sets and work.server.check_logins else move


async def _disagrees(work: Work, claim: Claim, plot: Plot, seat: Seat) -> bool:
    """Tell whether the server may have another password for the published login.

    Where the alias' status does not tell of it, a pass may have set a password before it met the
    Secret, or the Secret is from a backup; where the server leads elsewhere now, that may be made
    from one. Setting the password once more does no harm.
    """
    found = seat.slot.found
    if not isinstance(found, Intact) or found.issued.login not in plot.logins:
        return False
    if claim.seen_at or not seat.is_told(found.issued):
        return True
    if not work.tries_logins:
        return False
    return not await works(work, claim.wanted.database, found.issued.login, found.issued.password)


async def works(work: Work, database: str, login: str, password: SecretBytes) -> bool:
    """Tell whether a login opens its database; raise ServerFaultError where it cannot be told.

    One whose rights somebody took does not: they are given back beside its password.
    """
    try:
        async with work.one_login:
            await work.endpoint.try_login(login, password, database)
    except ServerFaultError as error:
        if error.fault not in (Fault.LOGIN_REFUSED, Fault.PRIVILEGE):
            raise
        return False
    return True
