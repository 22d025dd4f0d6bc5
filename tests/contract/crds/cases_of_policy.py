"""Every rule of the CRD of DatabaseRoutingPolicy, with an object it accepts and one it refuses."""

from __future__ import annotations

from typing import Any

from contract.crds.case import Case, a_policy_spec
from dbalias.api.meta import Kind


def ok(sentence: str, **fields: Any) -> Case:
    """Return a case that is accepted."""
    return Case(sentence, Kind.POLICY, a_policy_spec(**fields))


def no(sentence: str, at: str, message: str, **fields: Any) -> Case:
    """Return a case that is refused at a field of its rule."""
    return Case(sentence, Kind.POLICY, a_policy_spec(**fields), field=at, message=message)


NOTHING = "match claims nothing. Name apps or models; the app * claims everything"
WEIGHTS = "weights names an alias that is not in read. Add it to read, or remove its weight"
ALIASES = "migrate.aliases and migrate.to Aliases need each other. Set both, or neither"

EMPTY_MATCHES: list[dict[str, Any]] = [
    {},
    {"apps": []},
    {"models": []},
    {"apps": [], "models": []},
]

CASES = [
    ok("a rule may claim apps", match={"apps": ["auth"]}),
    ok("a rule may claim everything", match={"apps": ["*"]}),
    ok("a rule may claim models in any case", match={"apps": [], "models": ["shop.Customer"]}),
    *(
        no(f"a rule that claims {match} claims nothing", "spec.rules.match", NOTHING, match=match)
        for match in EMPTY_MATCHES
    ),
    ok("readers may have weights", read=["r1", "r2"], weights={"r1": 2}),
    no("only readers have weights", "spec.rules.weights", WEIGHTS, read=["r1"], weights={"r2": 1}),
    no("without readers there are no weights", "spec.rules.weights", WEIGHTS, weights={"users": 1}),
    ok("tables may be made nowhere", migrate={"to": "Nowhere"}),
    ok("tables may be made on several aliases", migrate={"to": "Aliases", "aliases": ["s1", "s2"]}),
    *(
        no(f"{migrate} leaves open where", "spec.rules.migrate", ALIASES, migrate=migrate)
        for migrate in (
            {"to": "Aliases"},
            {"to": "Aliases", "aliases": []},
            {"to": "Write", "aliases": ["s1"]},
            {"aliases": ["s1"]},
        )
    ),
]
