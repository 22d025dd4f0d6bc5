"""Workloads that restart, once, when what they load has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dbalias.api.conditions import Condition, ConditionValue, Reason, Status
from dbalias.reconcile.actions import RestartWorkload
from dbalias.reconcile.names import CREDENTIALS_REVISION, REVISION
from dbalias.reconcile.snapshot import WorkloadState


@dataclass(frozen=True, slots=True)
class Rollout:
    """The restarts to make now, and the condition ``RolledOut``."""

    restarts: tuple[RestartWorkload, ...]
    condition: ConditionValue
    rolling: bool = False


def plan_rollout(
    workloads: Iterable[WorkloadState],
    *,
    revision: str | None,
    credentials: str | None,
    migrated: bool,
    refusals: Mapping[str, str],
) -> Rollout:
    """Stamp both revisions on each workload: the settings' only once all is migrated.

    Credentials flow at once. A stamp is never removed: that would roll the pods again.
    """
    states = tuple(workloads)
    if not states:
        text = "spec.workloads is empty: pods load new settings when they start"
        return Rollout((), _rolled(Status.TRUE, Reason.NOT_REQUIRED, text))
    missing = [_name(state) for state in states if not state.found]
    restarts = []
    for state in states:
        stamp = {CREDENTIALS_REVISION: credentials} if credentials else {}
        if migrated and revision:
            stamp[REVISION] = revision
        if state.found and not stamp.items() <= state.template_annotations.items():
            restarts.append(RestartWorkload(state.workload, stamp))
    rolling = [_name(state) for state in states if state.found and not state.rolled_out]
    refused = [f"{name}: {refusals[name]}" for name in map(_name, states) if name in refusals]
    if refused:
        said = _rolled(Status.FALSE, Reason.WRITE_REFUSED, "; ".join(refused))
        return Rollout(tuple(restarts), said)
    busy = bool(restarts or rolling)
    return Rollout(tuple(restarts), _condition(restarts, rolling, missing), rolling=busy)


def _condition(
    restarts: list[RestartWorkload], rolling: list[str], missing: list[str]
) -> ConditionValue:
    stamped = {f"{one.workload.kind}/{one.workload.name}" for one in restarts}
    pending = sorted(stamped | set(rolling))
    if pending:
        return _rolled(Status.FALSE, Reason.ROLLING_OUT, f"rolling out: {', '.join(pending)}")
    if missing:
        text = f"not found, nothing to restart: {', '.join(missing)}"
        return _rolled(Status.TRUE, Reason.NOT_REQUIRED, text)
    return _rolled(Status.TRUE, Reason.ROLLED_OUT, "every listed workload runs what is published")


def _name(state: WorkloadState) -> str:
    return f"{state.workload.kind}/{state.workload.name}"


def _rolled(status: Status, reason: Reason, message: str) -> ConditionValue:
    return ConditionValue(Condition.ROLLED_OUT, status, reason, message)
