"""What the server pass has said of an alias, as the pass over its project takes it."""

from __future__ import annotations

from collections.abc import Iterable

from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import Condition, ConditionValue, Reason, Status
from dbalias.api.problems import Problem
from dbalias.api.server import DatabaseServer
from dbalias.django.sources import Missing, Sources, secret_ref
from dbalias.migrations.identity import incarnation_of
from dbalias.reconcile.places import Servers, hindrance, server_name

MADE_FIELD = "spec.provision"
"""Where problems of what the server pass makes are told."""
_NOT_MANAGED = ConditionValue(
    Condition.PROVISIONED,
    Status.TRUE,
    Reason.NOT_MANAGED,
    "spec.provision is not set: nothing is made",
)


def told_of(alias: DatabaseAlias) -> ConditionValue:
    """Return ``Provisioned`` of an alias as it is declared now."""
    if alias.provision is None:
        return _NOT_MANAGED
    for condition in alias.status.get("conditions") or ():
        known = next(ConditionValue.parse([condition]), None)
        current = condition.get("observedGeneration") == alias.metadata.generation
        if known is not None and known.type is Condition.PROVISIONED and current:
            return known
    text = "its DatabaseServer has not been looked at since this was declared"
    return ConditionValue(Condition.PROVISIONED, Status.FALSE, Reason.PROVISIONING, text)


def is_unseen(alias: DatabaseAlias, problems: Iterable[Problem]) -> bool:
    """Tell whether nothing is known of a new alias but that its database is to be made.

    The server pass says the first word: with a thousand new aliases, ours would be a thousand
    writes that stand for a second.
    """
    is_new = alias.provision is not None and not alias.status.get("conditions")
    return is_new and all(problem.field == MADE_FIELD for problem in problems)


def unbound(aliases: Iterable[DatabaseAlias], sources: Sources) -> dict[str, Problem]:
    """Return, by object, why a provisioned alias has no login to connect with.

    It is the server pass that knows: a Secret that is awaited from a person is another matter.
    """
    found = {}
    for alias in aliases:
        if alias.provision is None or alias.credentials is None:
            continue
        if isinstance(sources.get(secret_ref(alias.credentials.secret)), Missing):
            told = told_of(alias)
            reason, message = told.reason, told.message
            if told.status is Status.TRUE:
                reason = Reason.PROVISIONING
                message = f"Secret {alias.credentials.secret} is lost or edited: it is made again"
            found[alias.metadata.name] = hindrance(alias, MADE_FIELD, reason, message)
    return found


def moved(aliases: Iterable[DatabaseAlias], servers: Servers) -> dict[str, Problem]:
    """Return, by object, why an alias does not follow its server to where that leads now.

    Nobody is led to a place where the server pass has not seen the database: a host may be a
    slip of the pen, or the database be on its way there.
    """
    found = {}
    for alias in aliases:
        server = servers.get(alias.server) if alias.server else None
        if not isinstance(server, DatabaseServer) or incarnation_of(alias) is None:
            continue
        seen, told = alias.status["provision"].get("place"), told_of(alias)
        # A status without a place is from before places were told, and led here then.
        if seen in (None, server.place):
            continue
        assert alias.server is not None
        message = (
            f"{server_name(alias.server)} leads to {server.place} now, where this database was "
            f"not seen yet, but at {seen}; the server's condition Connected says more"
        )
        reason = Reason.SERVER_MOVED
        if told.status is not Status.TRUE:
            reason, message = told.reason, f"{message}; {told.message}"
        found[alias.metadata.name] = hindrance(alias, "spec.serverRef", reason, message)
    return found
