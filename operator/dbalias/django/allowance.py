"""What routing allows to be migrated on one alias: the part that identifies a run.

Read pools, weights, pins and rules about other aliases have no part in it, so changing them
makes no migration pending. The answers are those of the generated routers' allow_migrate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from dbalias.api.meta import DEFAULT_ALIAS, JSON
from dbalias.api.project import Unmatched

Answers: TypeAlias = dict[str, bool | None]


def routing_on(document: JSON, alias: str) -> JSON:
    """Return the canonical form of what routing lets ``migrate`` do on an alias.

    ``document`` is the routing that ``build_routing`` returned, its policies in order. Equal
    results mean equal answers on this alias for every app and model: ``rest`` for what
    nothing else says (None: the project's own routers behind the policies decide), then
    ``apps``, ``models`` and ``data`` (RunPython and RunSQL), each holding only what differs
    from the answer above it.
    """
    if reason := document["guard"]["never"].get(alias):
        return {"never": reason}
    policies = list(document["policies"].values())
    last = _last_word(document, alias)
    rest = _first((_allowed(policy, policy["any"], alias) for policy in policies), last)
    apps = {app: _app_answer(policies, app, alias, last) for app in _names(policies, "apps")}
    apps = _differing(apps, lambda app: rest)
    models = {
        label: _model_answer(policies, label, alias, last) for label in _names(policies, "models")
    }
    data = {
        app: _first((_data_answer(policy, app, alias) for policy in policies), last)
        for app in _names(policies, "app_migrate")
    }
    return {
        "rest": rest,
        "apps": apps,
        "models": _differing(models, lambda label: apps.get(_app_of(label), rest)),
        "data": _differing(data, lambda app: apps.get(app, rest)),
        **{place: routers for place, routers in document["own"].items() if routers},
    }


def _last_word(document: JSON, alias: str) -> bool | None:
    if document["own"]["after"]:
        return None
    match Unmatched(document["unmatched"]):
        case Unmatched.EVERYWHERE:
            return True
        case Unmatched.DEFAULT_ONLY:
            return alias == DEFAULT_ALIAS
        case Unmatched.REFUSE:
            return False


def _app_answer(policies: Sequence[JSON], app: str, alias: str, last: bool | None) -> bool | None:
    claims = ((policy, policy["apps"].get(app, policy["any"])) for policy in policies)
    return _first((_allowed(policy, index, alias) for policy, index in claims), last)


def _model_answer(
    policies: Sequence[JSON], label: str, alias: str, last: bool | None
) -> bool | None:
    claims = (
        (policy, policy["models"].get(label, policy["apps"].get(_app_of(label), policy["any"])))
        for policy in policies
    )
    return _first((_allowed(policy, index, alias) for policy, index in claims), last)


def _data_answer(policy: JSON, app: str, alias: str) -> bool | None:
    aliases = policy["app_migrate"].get(app, policy["any_migrate"])
    if aliases is None or alias in aliases:
        return None if aliases is None else True
    claims_all = app in policy["apps"] or policy["any"] is not None
    return False if claims_all else None  # a later router may know the app's other models


def _allowed(policy: JSON, index: int | None, alias: str) -> bool | None:
    return None if index is None else alias in policy["rules"][index]["migrate"]


def _first(answers: Iterable[bool | None], otherwise: bool | None) -> bool | None:
    return next((answer for answer in answers if answer is not None), otherwise)


def _names(policies: Iterable[JSON], table: str) -> list[str]:
    return sorted({name for policy in policies for name in policy[table]})


def _differing(answers: Answers, above: Callable[[str], bool | None]) -> Answers:
    return {name: answer for name, answer in answers.items() if answer is not above(name)}


def _app_of(label: str) -> str:
    return label.partition(".")[0]
