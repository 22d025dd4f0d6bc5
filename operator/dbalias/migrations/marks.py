"""Labels and annotations by which a migrate Job and its pod are found and told apart."""

from __future__ import annotations

from dbalias.api.meta import GROUP

PURPOSE_LABEL = f"{GROUP}/purpose"
MIGRATE_PURPOSE = "migrate"
ATTEMPT_LABEL = f"{GROUP}/attempt"

IDENTITY_ANNOTATION = f"{GROUP}/identity"
BODY_ANNOTATION = f"{GROUP}/body"
ALIAS_UID_ANNOTATION = f"{GROUP}/alias-uid"
"""uid of the DatabaseAlias: an alias made again under the same name is another one."""
DATABASE_ANNOTATION = f"{GROUP}/database"
"""``database_mark`` of the physical database: runs of several projects may meet there."""
REQUEST_ANNOTATION = f"{GROUP}/migrate-requested-at"
"""On an alias or a project a request for a run; on a Job the request that it answers."""

CONTAINER = "migrate"
ATTEMPT_VARIABLE = "DBALIAS_ATTEMPT"
JOB_NAME_LABEL = "batch.kubernetes.io/job-name"
"""Put on every pod by the Job controller."""
