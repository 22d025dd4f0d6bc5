"""One alias, from what was found to what it wants: statements, then its Secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from dbalias.api.conditions import Reason, timestamp
from dbalias.api.meta import JSON
from dbalias.api.secrets import SecretBytes
from dbalias.api.server import ServerEngine
from dbalias.reconcile.ports import AlreadyExistsError
from dbalias.reconcile.provisioning.claims import Claim
from dbalias.reconcile.provisioning.decide import Move, find_trouble, passwords_of
from dbalias.reconcile.provisioning.seats import Seat, decide_moves, read_seats, works
from dbalias.reconcile.provisioning.secrets import delete_slot, publish
from dbalias.reconcile.provisioning.snapshot import Trouble, TroubleError
from dbalias.reconcile.provisioning.status import Report
from dbalias.reconcile.provisioning.work import Work
from dbalias.servers.passwords import generate
from dbalias.servers.plot import Plot, Standing


async def settle(work: Work, claim: Claim, plot: Plot) -> Report:
    """Do what one alias still needs; raise TroubleError, ServerFaultError or ClusterError."""
    if plot.unseen is not None:
        plot = await work.endpoint.look_inside(plot)
    if trouble := find_trouble(claim, plot):
        raise TroubleError(trouble)
    seats = await read_seats(work, claim, plot)
    moves = await decide_moves(work, claim, plot, seats)
    logins = plot.logins | {move.issued.login for move in moves}
    # What servers store of a password takes milliseconds to compute, by intention.
    passwords = passwords_of(moves) | _locked_out(claim, plot)
    steps = await asyncio.to_thread(plot.steps, logins, passwords)
    if claim.withdraws_readers or plot.former:
        # Before the logins, by which alone a process that comes after this one knows of it.
        mark, engine = claim.wanted.mark, work.server.engine
        await delete_slot(work.secrets, mark, engine, readers=True)
    await work.carry_out(claim.key, steps)
    await _try(work, claim, moves)
    place = work.place(claim.wanted.database)
    try:
        for seat, move in zip(seats, moves, strict=True):
            await publish(work.secrets, seat.slot, place, move.issued)
    except AlreadyExistsError:
        # A Secret where none was expected: what it is decides, and now it is read.
        return await settle(work, claim, await work.look(claim.wanted))
    if plot.standing is not Standing.OURS:
        # What it is from now on is known only once it is there.
        plot = await work.look(claim.wanted)
    return _report(work, claim, plot, seats, moves)


def _locked_out(claim: Claim, plot: Plot) -> dict[str, SecretBytes]:
    """Return passwords that nobody learns, for readers that are wanted no more.

    The logins themselves go with the database.
    """
    readers, rule = claim.wanted.readers, claim.provision.password
    if readers is None or not claim.withdraws_readers:
        return {}
    return {login: generate(rule) for login in (readers.a, readers.b) if login in plot.logins}


async def _try(work: Work, claim: Claim, moves: Sequence[Move]) -> None:
    """Log in with each password that is to be tried; raise TroubleError."""
    for move in moves:
        issued = move.issued
        database = claim.wanted.database
        if move.tries and not await works(work, database, issued.login, issued.password):
            message = (
                f"the server refuses {issued.login} with the password that was just set, so that "
                "nothing new is published. See that the server lets the operator log in as it"
            )
            raise TroubleError(Trouble(Reason.LOGIN_REFUSED, message, work.again()))


def _report(
    work: Work, claim: Claim, plot: Plot, seats: Sequence[Seat], moves: Sequence[Move]
) -> Report:
    main, wanted = moves[0], claim.wanted
    waits = next((move.waits for move in moves if move.waits), None)
    message = f"{wanted.database} on DatabaseServer {work.key}, login {main.issued.login}"
    dues = [move.due for move in moves if move.due]
    return Report(
        reason=Reason.ROTATION_PENDING if waits else Reason.PROVISIONED,
        message=f"{message}; {waits}" if waits else message,
        fields={
            "binding": _names(seats),
            "provision": _provision(work, claim, plot, moves),
            "lastHandledRotateRequest": main.issued.request,
        },
        again=min(dues, default=None),
    )


def _names(seats: Sequence[Seat]) -> dict[str, JSON]:
    return dict(zip(("name", "readOnly"), (seat.slot.name for seat in seats), strict=False))


def _provision(work: Work, claim: Claim, plot: Plot, moves: Sequence[Move]) -> dict[str, JSON]:
    main, wanted = moves[0], claim.wanted
    shown = {
        "server": str(work.key),
        "place": claim.place,
        "database": wanted.database,
        "owner": wanted.owner if work.server.engine is ServerEngine.POSTGRESQL else None,
        "login": main.issued.login,
        "readOnlyLogin": moves[1].issued.login if len(moves) > 1 else None,
        "incarnation": plot.incarnation,
        "rotatedAt": timestamp(main.issued.rotated_at) if main.issued.rotated_at else None,
        "nextRotation": timestamp(main.due) if main.due else None,
    }
    return {name: value for name, value in shown.items() if value is not None}
