"""Labels and annotations by which our Jobs and their pods are found and told apart."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from dbalias.api.meta import GROUP

PURPOSE_LABEL = f"{GROUP}/purpose"
ATTEMPT_LABEL = f"{GROUP}/attempt"

IDENTITY_ANNOTATION = f"{GROUP}/identity"
BODY_ANNOTATION = f"{GROUP}/body"
ALIAS_UID_ANNOTATION = f"{GROUP}/alias-uid"
"""uid of the DatabaseAlias: an alias made again under the same name is another one."""
DATABASE_ANNOTATION = f"{GROUP}/database"
"""``database_mark`` of the physical database: runs of several projects may meet there."""
REQUEST_ANNOTATION = f"{GROUP}/migrate-requested-at"
CHECK_REQUEST_ANNOTATION = f"{GROUP}/check-requested-at"

CONTAINER = "migrate"
ATTEMPT_VARIABLE = "DBALIAS_ATTEMPT"
JOB_NAME_LABEL = "batch.kubernetes.io/job-name"
"""Put on every pod by the Job controller."""


class Purpose(StrEnum):
    """What an attempt is for; the value is its label's."""

    MIGRATE = "migrate"
    CHECK = "check"
    """The same eyes, and no hands: settings, audit, plan and missing tables, nothing written."""


REQUESTS: Mapping[Purpose, str] = {
    Purpose.MIGRATE: REQUEST_ANNOTATION,
    Purpose.CHECK: CHECK_REQUEST_ANNOTATION,
}
"""On an alias or a project a request for a run; on a Job the request that it answers."""
