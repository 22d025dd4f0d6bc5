"""The shape of a DatabaseRoutingPolicy's spec."""

from __future__ import annotations

from dbalias.api import limits
from dbalias.api.policy import MigrateOn, PinReads
from dbalias.api.shape_of_alias import ALIAS_NAME, PROJECT_REF
from dbalias.api.shapes import Items, Number, Record, Table, Text, choice

RULE = Record(
    {
        "match": Record(
            {
                "apps": Items(Text(100, pattern=limits.APP_MATCH), 200, distinct=True),
                "models": Items(Text(201, pattern=limits.MODEL_MATCH), 500, distinct=True),
            }
        ),
        "read": Items(ALIAS_NAME, 32, distinct=True),
        "weights": Table(Number(1, 1000), 32),
        "write": ALIAS_NAME,
        "migrate": Record(
            {"to": choice(MigrateOn), "aliases": Items(ALIAS_NAME, 64, distinct=True)}
        ),
    },
    required=("match", "write"),
)

POLICY_SPEC = Record(
    {
        "projectRef": PROJECT_REF,
        "order": Number(-1_000_000, 1_000_000),
        "rules": Items(RULE, 100),
        "relations": Items(
            Record(
                {"aliases": Items(ALIAS_NAME, 64, min_items=2, distinct=True)},
                required=("aliases",),
            ),
            64,
        ),
        "pinReads": choice(PinReads),
    },
    required=("projectRef",),
)
