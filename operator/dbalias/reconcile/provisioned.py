"""What the server pass has said of an alias, as the pass over its project takes it."""

from __future__ import annotations

from collections.abc import Iterable

from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import Condition, ConditionValue, Reason, Status
from dbalias.api.problems import Problem
from dbalias.django.sources import Missing, Sources, secret_ref
from dbalias.reconcile.places import hindrance

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
