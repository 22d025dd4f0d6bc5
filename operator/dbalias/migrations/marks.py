"""Labels and annotations by which our Jobs and their pods are found and told apart."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from dbalias.api.meta import GROUP

PURPOSE_LABEL = f"{GROUP}/purpose"
ATTEMPT_LABEL = f"{GROUP}/attempt"
COMMAND_LABEL = f"{GROUP}/command"
"""Name of the entry of ``spec.commands`` that a run is for."""

IDENTITY_ANNOTATION = f"{GROUP}/identity"
BODY_ANNOTATION = f"{GROUP}/body"
OBJECT_UID_ANNOTATION = f"{GROUP}/object-uid"
"""uid of the object whose status keeps the record: one made again under its name is another."""
DATABASE_LABEL = f"{GROUP}/database"
"""``database_mark`` of the physical database: runs of several projects may meet there."""
REQUEST_ANNOTATION = f"{GROUP}/migrate-requested-at"
CHECK_REQUEST_ANNOTATION = f"{GROUP}/check-requested-at"

CONTAINER = "migrate"
ATTEMPT_VARIABLE = "DBALIAS_ATTEMPT"
JOB_NAME_LABEL = "batch.kubernetes.io/job-name"
JOB_UID_LABEL = "batch.kubernetes.io/controller-uid"
"""Both are put on every pod by the Job controller."""


class Purpose(StrEnum):
    """What an attempt is for; the value is its label's."""

    MIGRATE = "migrate"
    CHECK = "check"
    """The same eyes, and no hands: settings, audit, plan and missing tables, nothing written."""
    COMMAND = "command"
    """Another management command, one of ``spec.commands``."""


OF_THE_SCHEMA = (Purpose.MIGRATE, Purpose.CHECK)
"""What every alias has a record of."""

PROJECT = ""
"""Stands for the project itself where an alias would be named: a run that takes no database."""


class Task(NamedTuple):
    """What a run is for, and where: on an alias, or on the project itself."""

    alias: str
    purpose: Purpose
    command: str = ""


REQUESTS: Mapping[Purpose, str] = {
    Purpose.MIGRATE: REQUEST_ANNOTATION,
    Purpose.CHECK: CHECK_REQUEST_ANNOTATION,
    Purpose.COMMAND: REQUEST_ANNOTATION,
}
"""On an alias or a project a request for a run; on a Job the request that it answers."""
