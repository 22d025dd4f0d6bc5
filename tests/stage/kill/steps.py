"""Where a run can stand when something is killed, and who can be."""

from enum import StrEnum


class Step(StrEnum):
    """The steps of a run, in their order; the value says where it stands."""

    STORED = "decided and stored, the Job not created"
    CREATED = "Job created, no pod"
    STARTING = "pod there, no container"
    SETTINGS = "settings loaded, before the audit"
    LOCK = "waiting for the lock"
    PLANNED = "locked and planned, nothing begun"
    FIRST = "in the first migration"
    BETWEEN = "between two migrations"
    SECOND = "in the second, with its row not committed"
    THIRD = "in the third, which is not atomic"
    LAST = "after the last, before the report"
    REPORTED = "reported, the process not ended"
    ENDED = "Job ended, its end not stored"
    KEPT = "end stored, the Job not cleaned up"


IN_PROCESS = frozenset(
    {
        Step.SETTINGS, Step.LOCK, Step.PLANNED, Step.FIRST, Step.BETWEEN, Step.SECOND,
        Step.THIRD, Step.LAST, Step.REPORTED,
    }
)  # fmt: skip
"""Steps at which the runner's process is there."""


class Engine(StrEnum):
    """The engines; the values are those of a DatabaseAlias."""

    POSTGRESQL = "postgresql"
    MARIADB = "mariadb"


class Victim(StrEnum):
    """Who is killed; the value says how."""

    NOBODY = "nobody"
    OPERATOR = "operator by SIGKILL"
    OPERATOR_AWAY = "operator, and it stays away until the run has ended"
    PROCESS = "the run's process by SIGKILL"
    POD = "pod by eviction"
    KUBELET = "kubelet by SIGKILL, back after the run"
    SERVER = "database server by SIGKILL, back after all have said so"
