"""Reading a DatabaseRoutingPolicy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dbalias.api.meta import JSON, Kind
from dbalias.api.parse_metadata import open_envelope
from dbalias.api.policy import DatabaseRoutingPolicy, Match, MigrateOn, PinReads, Rule
from dbalias.api.problems import Parsed
from dbalias.api.rules_of_policy import demand_policy_rules
from dbalias.api.shape_of_policy import POLICY_SPEC


def parse_policy(body: JSON) -> Parsed[DatabaseRoutingPolicy]:
    """Return the policy that ``body`` declares, or every problem that it has."""
    envelope = open_envelope(body, kind=Kind.POLICY, spec=POLICY_SPEC)
    reader, spec = envelope.reader, envelope.spec
    demand_policy_rules(reader, spec)
    if reader.problems:
        return Parsed(None, tuple(reader.problems))
    return Parsed(
        DatabaseRoutingPolicy(
            metadata=envelope.metadata,
            project=spec["projectRef"]["name"],
            order=spec.get("order", 0),
            rules=tuple(_build_rule(rule) for rule in spec.get("rules", ())),
            relations=tuple(tuple(group["aliases"]) for group in spec.get("relations", ())),
            pin_reads=PinReads(spec.get("pinReads", PinReads.NONE)),
            status=envelope.status,
        )
    )


def _build_rule(spec: Mapping[str, JSON]) -> Rule:
    match, migrate = spec["match"], spec.get("migrate", {})
    return Rule(
        match=Match(_in_lower_case(match.get("apps", ())), _in_lower_case(match.get("models", ()))),
        write=spec["write"],
        read=tuple(spec.get("read", ())),
        weights=spec.get("weights", {}),
        migrate_on=MigrateOn(migrate.get("to", MigrateOn.WRITE)),
        migrate_aliases=tuple(migrate.get("aliases", ())),
    )


def _in_lower_case(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.lower() for name in names))
