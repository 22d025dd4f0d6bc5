"""What makes a run the same run: its identity, and the body of its Job."""

from __future__ import annotations

import copy
from collections.abc import Mapping

from dbalias.api.alias import DatabaseAlias
from dbalias.api.digest import digest
from dbalias.api.meta import JSON
from dbalias.api.project import Command, DjangoProject
from dbalias.django.entries import Entry
from dbalias.migrations.marks import ATTEMPT_LABEL, ATTEMPT_VARIABLE

LENGTH = 16
"""Characters of an identity or body: 80 bits, and a legal annotation and label value."""


def run_identity(project: DjangoProject, entry: Entry, routing: JSON, alias: DatabaseAlias) -> str:
    """Return the digest of all that decides what a run would do to the database.

    ``routing`` is what routing allows on the alias. Passwords, resources, labels, pod options
    and the audit's mode are no part of it: changing them makes no migration pending. A database
    that was provisioned again has none of the tables of the one before.
    """
    incarnation = incarnation_of(alias)
    return digest(
        {
            **_program(project),
            "command": list(project.migrate.command),
            "args": [*project.migrate.args, *alias.migrate.args],
            "apps": list(alias.migrate.apps),
            "routing": routing,
            "database": entry.database.key if entry.database else None,
            **({"incarnation": incarnation} if incarnation else {}),
        },
        LENGTH,
    )


def incarnation_of(alias: DatabaseAlias) -> str | None:
    """Return which of the databases of its name an alias has; None unless it is provisioned."""
    told = alias.status.get("provision") if alias.provision else None
    found = told.get("incarnation") if isinstance(told, Mapping) else None
    return found if isinstance(found, str) and found else None


def command_identity(project: DjangoProject, command: Command, places: JSON) -> str:
    """Return the digest of all that decides what a management command would do or find.

    ``places`` is what routing allows on each database that it looks at, and which these are.
    The first half is over the program and its words alone: see ``is_same_program``.
    """
    program = {**_program(project), "words": list(command.args)}
    return digest(program, LENGTH // 2) + digest(places, LENGTH // 2)


def is_same_program(one: str, other: str) -> bool:
    """Tell whether two identities of a command differ at most in its places."""
    return one[: LENGTH // 2] == other[: LENGTH // 2]


def _program(project: DjangoProject) -> dict[str, JSON]:
    settings = [project.settings.module, project.settings.mode.value]
    return {"image": project.image, "settings": settings}


def body_hash(job: JSON, credentials: str) -> str:
    """Return the digest of what a Job would run, whichever attempt it is.

    ``job`` is what ``build_job`` returned, ``credentials`` the revision of the Secrets that it
    mounts. After a failure a different digest means that trying again may end differently.
    """
    spec = copy.deepcopy(job["spec"])
    template = spec["template"]
    template["metadata"]["labels"].pop(ATTEMPT_LABEL, None)
    for container in template["spec"]["containers"]:
        container["env"] = [e for e in container["env"] if e["name"] != ATTEMPT_VARIABLE]
    return digest([spec, credentials], LENGTH)


def database_mark(key: str) -> str:
    """Return a name for a physical database that an annotation may show."""
    return digest(key, LENGTH)
