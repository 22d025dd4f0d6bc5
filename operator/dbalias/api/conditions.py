"""Conditions as Kubernetes' API conventions and kstatus want them, and every reason used.

Sources: the API conventions ("Typical status properties") and kstatus.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from dbalias.api.meta import JSON


class Condition(StrEnum):
    """Types of conditions."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    SETTINGS_PUBLISHED = "SettingsPublished"
    ROUTES_VALID = "RoutesValid"
    MIGRATED = "Migrated"
    COMMANDS_COMPLETED = "CommandsCompleted"
    ROLLED_OUT = "RolledOut"
    CREDENTIALS_AVAILABLE = "CredentialsAvailable"
    CONNECTED = "Connected"
    PROVISIONED = "Provisioned"


class Status(StrEnum):
    """The three values of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Reason(StrEnum):
    """Every reason a condition may carry; docs/troubleshooting.md has a section for each."""

    # all is well
    READY = "Ready"
    PUBLISHED = "Published"
    VALID = "Valid"
    MIGRATED = "Migrated"
    DATABASE_AHEAD = "DatabaseAhead"
    COMMANDS_COMPLETED = "CommandsCompleted"
    AVAILABLE = "Available"
    PROVISIONED = "Provisioned"
    ROLLED_OUT = "RolledOut"
    # nothing to do
    EMPTY_DEFAULT = "EmptyDefault"
    REPLICA = "Replica"
    LOCAL_DATABASE = "LocalDatabase"
    NOT_MANAGED = "NotManaged"
    NOT_CHECKED = "NotChecked"
    NOT_REQUIRED = "NotRequired"
    # another object, or time, will cure it
    PROJECT_NOT_FOUND = "ProjectNotFound"
    DEFAULT_MISSING = "DefaultMissing"
    ALIAS_NOT_FOUND = "AliasNotFound"
    PARENT_NOT_FOUND = "ParentNotFound"
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105 - the name of a reason
    SECRET_KEY_MISSING = "SecretKeyMissing"  # noqa: S105 - the name of a reason
    CONFIG_MAP_NOT_FOUND = "ConfigMapNotFound"
    UNREADABLE = "Unreadable"
    WRITE_REFUSED = "WriteRefused"
    WAITING_FOR_OBJECTS = "WaitingForObjects"
    SETTLING = "Settling"
    ALIASES_NOT_READY = "AliasesNotReady"
    DEPENDENCY_NOT_MIGRATED = "DependencyNotMigrated"
    QUEUED = "Queued"
    SUSPENDED = "Suspended"
    PENDING = "Pending"
    AWAITING_APPROVAL = "AwaitingApproval"
    CHECKING = "Checking"
    MIGRATING = "Migrating"
    RUNNING_COMMAND = "RunningCommand"
    COMMAND_NOT_COMPLETED = "CommandNotCompleted"
    LONG_RUNNING = "LongRunning"
    POD_NOT_CREATED = "PodNotCreated"
    POD_CANNOT_START = "PodCannotStart"
    IMAGE_NOT_PULLED = "ImageNotPulled"
    POD_UNSCHEDULABLE = "PodUnschedulable"
    NODE_LOST = "NodeLost"
    LOCK_NOT_OBTAINED = "LockNotObtained"
    SERVER_NOT_FOUND = "ServerNotFound"
    NAMESPACE_NOT_ALLOWED = "NamespaceNotAllowed"
    SERVER_UNAVAILABLE = "ServerUnavailable"
    SERVER_MOVED = "ServerMoved"
    PROVISIONING = "Provisioning"
    ROTATION_PENDING = "RotationPending"
    DATABASE_UNREACHABLE = "DatabaseUnreachable"
    LOGIN_REFUSED = "LoginRefused"
    CERTIFICATE_REFUSED = "CertificateRefused"
    SERVER_READ_ONLY = "ServerReadOnly"
    SERVER_FULL = "ServerFull"
    INTERRUPTED = "Interrupted"
    PLAN_SUPERSEDED = "PlanSuperseded"
    ROLLING_OUT = "RollingOut"
    # only an edit or a request cures it
    INVALID_CONFIGURATION = "InvalidConfiguration"
    ALIAS_CONFLICT = "AliasConflict"
    DEPENDENCY_CYCLE = "DependencyCycle"
    NAME_TAKEN = "NameTaken"
    DATABASE_EXISTS = "DatabaseExists"
    DATABASE_CLAIMED = "DatabaseClaimed"
    ROLE_EXISTS = "RoleExists"
    ROLE_IN_USE = "RoleInUse"
    DATABASE_LOST = "DatabaseLost"
    PRIVILEGE_MISSING = "PrivilegeMissing"
    STATEMENT_FAILED = "StatementFailed"
    INTERNAL_ERROR = "InternalError"
    TOO_LARGE = "TooLarge"
    SETTINGS_FAILED = "SettingsFailed"
    AUDIT_REFUSED = "AuditRefused"
    POOLER_IN_THE_WAY = "PoolerInTheWay"
    MIGRATION_FAILED = "MigrationFailed"
    MIGRATION_INTERRUPTED = "MigrationInterrupted"
    MISSING_TABLES = "MissingTables"
    COMMAND_FAILED = "CommandFailed"
    COMMAND_INTERRUPTED = "CommandInterrupted"


STALLING = frozenset(
    {
        Reason.INVALID_CONFIGURATION,
        Reason.ALIAS_CONFLICT,
        Reason.DEPENDENCY_CYCLE,
        Reason.NAME_TAKEN,
        Reason.DATABASE_EXISTS,
        Reason.DATABASE_CLAIMED,
        Reason.ROLE_EXISTS,
        Reason.ROLE_IN_USE,
        Reason.DATABASE_LOST,
        Reason.PRIVILEGE_MISSING,
        Reason.STATEMENT_FAILED,
        Reason.INTERNAL_ERROR,
        Reason.TOO_LARGE,
        Reason.SETTINGS_FAILED,
        Reason.AUDIT_REFUSED,
        Reason.POOLER_IN_THE_WAY,
        Reason.MIGRATION_FAILED,
        Reason.MIGRATION_INTERRUPTED,
        Reason.MISSING_TABLES,
        Reason.COMMAND_FAILED,
        Reason.COMMAND_INTERRUPTED,
    }
)
"""Reasons that only an edit, a request or a hand on the server cures: ``Stalled`` is True."""


@dataclass(frozen=True, slots=True)
class ConditionValue:
    """One condition as decided in a pass, without its times."""

    type: Condition
    status: Status
    reason: Reason
    message: str = ""

    @classmethod
    def parse(cls, conditions: Iterable[Mapping[str, JSON]]) -> Iterator[ConditionValue]:
        """Yield the conditions of a status; what this version does not know is left out."""
        for one in conditions:
            try:
                known = Condition(one["type"]), Status(one["status"]), Reason(one["reason"])
            except (KeyError, ValueError):
                continue
            yield cls(*known, str(one.get("message", "")))


MESSAGE_LIMIT = 4096
"""Characters of a condition's message; the API's own bound is 32,768."""


def render_conditions(
    decided: Iterable[ConditionValue],
    *,
    previous: Iterable[Mapping[str, JSON]],
    generation: int,
    now: datetime,
) -> list[dict[str, JSON]]:
    """Return ``status.conditions``, keeping lastTransitionTime where the status is unchanged."""
    before = {c.get("type"): c for c in previous}
    rendered = []
    for value in decided:
        old = before.get(value.type.value, {})
        same = old.get("status") == value.status.value and old.get("lastTransitionTime")
        rendered.append(
            {
                "type": value.type.value,
                "status": value.status.value,
                "reason": value.reason.value,
                "message": value.message[:MESSAGE_LIMIT],
                "observedGeneration": generation,
                "lastTransitionTime": old["lastTransitionTime"] if same else timestamp(now),
            }
        )
    return rendered


def timestamp(moment: datetime) -> str:
    """Return RFC 3339 in UTC with seconds, the way Kubernetes writes times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: str | None) -> datetime | None:
    """Return a time in RFC 3339, with or without fractions; None for none, and for no time."""
    try:
        moment = datetime.fromisoformat((text or "").replace("Z", "+00:00"))
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
