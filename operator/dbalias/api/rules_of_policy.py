"""What a DatabaseRoutingPolicy must hold beyond its shape, as the CRD's CEL rules say it."""

from __future__ import annotations

from collections.abc import Mapping

from dbalias.api.meta import JSON
from dbalias.api.policy import MigrateOn
from dbalias.api.reader import Reader


def demand_policy_rules(reader: Reader, spec: Mapping[str, JSON]) -> None:
    """Report what the CRD's rules refuse."""
    for index, rule in enumerate(spec.get("rules", ())):
        _demand_rule(reader, rule, f"spec.rules[{index}]")


def _demand_rule(reader: Reader, rule: Mapping[str, JSON], at: str) -> None:
    reader.demand(
        any(rule.get("match", {}).values()),
        f"{at}.match",
        "match claims nothing",
        "Name apps or models; the app * claims everything",
    )
    reader.demand(
        rule.get("weights", {}).keys() <= set(rule.get("read", ())),
        f"{at}.weights",
        "weights names an alias that is not in read",
        "Add it to read, or remove its weight",
    )
    migrate = rule.get("migrate", {})
    reader.demand(
        (migrate.get("to") == MigrateOn.ALIASES) == bool(migrate.get("aliases")),
        f"{at}.migrate",
        "migrate.aliases and migrate.to Aliases need each other",
        "Set both, or neither",
    )
