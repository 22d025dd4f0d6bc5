"""What an alias and its server say of provisioning: the second writer of an alias' status.

The project's pass writes the rest of it. Each applies its own fields, compares only them, and
leaves those of the other alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dbalias.api.alias import DatabaseAlias
from dbalias.api.conditions import (
    Condition,
    ConditionValue,
    Reason,
    Status,
    render_conditions,
)
from dbalias.api.meta import API_VERSION, JSON, Kind
from dbalias.reconcile.provisioning.snapshot import Trouble
from dbalias.reconcile.status import OF_THE_SERVER_PASS


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one alias; ``fields`` replace those of before where they are not empty."""

    reason: Reason
    message: str
    fields: Mapping[str, JSON] = field(default_factory=dict)
    again: datetime | None = None

    @classmethod
    def of(cls, trouble: Trouble) -> Report:
        """Return the report of what went wrong: the other fields stay."""
        return cls(trouble.reason, trouble.message, again=trouble.again)

    @property
    def is_well(self) -> bool:
        """Tell whether the database is as it should be: a rotation that waits is no fault."""
        return self.reason in (Reason.PROVISIONED, Reason.ROTATION_PENDING)

    @property
    def condition(self) -> ConditionValue:
        """The condition ``Provisioned``."""
        status = Status.TRUE if self.is_well else Status.FALSE
        return ConditionValue(Condition.PROVISIONED, status, self.reason, self.message)


def own_part(status: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return the fields of an alias' status that the server pass wrote."""
    part = {name: status[name] for name in OF_THE_SERVER_PASS if name in status}
    ours = [one for one in status.get("conditions") or () if _is_ours(one, part)]
    return part | ({"conditions": ours} if ours else {})


def _is_ours(condition: Mapping[str, JSON], part: Mapping[str, JSON]) -> bool:
    """Tell whether a condition is the server pass': NotManaged is the project pass' word."""
    return bool(
        condition.get("type") == Condition.PROVISIONED
        and (part or condition.get("reason") != Reason.NOT_MANAGED)
    )


def provisioned(alias: DatabaseAlias) -> bool:
    """Tell whether an alias reports that its present declaration is provisioned."""
    return any(
        one.get("type") == Condition.PROVISIONED
        and one.get("status") == Status.TRUE
        and one.get("reason") != Reason.NOT_MANAGED
        and one.get("observedGeneration") == alias.metadata.generation
        for one in alias.status.get("conditions") or ()
    )


def render_report(alias: DatabaseAlias, report: Report | None, now: datetime) -> JSON | None:
    """Return the part of the status that is to be applied; None when it is so already.

    Without a report the alias is provisioned no more, and our part of its status goes.
    """
    before = own_part(alias.status)
    if report is None:
        return {} if before else None
    kept = {name: value for name, value in before.items() if name != "conditions"}
    part = kept | {name: value for name, value in report.fields.items() if value}
    part["conditions"] = render_conditions(
        (report.condition,),
        previous=alias.status.get("conditions") or (),
        generation=alias.metadata.generation,
        now=now,
    )
    return None if part == before else part


def status_body(alias: DatabaseAlias, part: JSON) -> JSON:
    """Return what is applied as our part of the status of an alias, as it was read."""
    metadata = alias.metadata
    return {
        "apiVersion": API_VERSION,
        "kind": Kind.ALIAS.value,
        "metadata": {
            "name": metadata.name,
            "namespace": metadata.namespace,
            "resourceVersion": metadata.resource_version,
        },
        "status": part,
    }
