"""The pod of a Job: one restricted container, one folder of published files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dbalias.api.alias import DatabaseAlias
from dbalias.api.meta import JSON
from dbalias.api.project import DjangoProject, PodOptions, SettingsMode
from dbalias.django.commands import is_reading
from dbalias.django.runtime_files import FOLDER
from dbalias.migrations.marks import ATTEMPT_VARIABLE, CONTAINER, Purpose

VOLUME = "dbalias-databases"
FILE_MODE = 0o440
"""libpq refuses a client key that others may read; the group is ``fsGroup``."""
DEFAULT_FS_GROUP = 65532
GRACE_SECONDS = 600
OVERLAY_MODULE = "dbalias_settings"


@dataclass(frozen=True, slots=True)
class Program:
    """One of the published modules that has a ``main``, and its arguments."""

    module: str
    arguments: Sequence[str]

    @property
    def bootstrap(self) -> str:
        """What the interpreter's ``-c`` gets.

        Running the file itself would put the time-stamped folder behind ``..data`` on the path.
        """
        path = f"import sys; sys.path.insert(0, '{FOLDER}')"
        return f"{path}; import {self.module}; sys.exit({self.module}.main())"


def build_pod_spec(
    project: DjangoProject, program: Program, *, attempt: int, sources: Sequence[JSON]
) -> JSON:
    """Return the PodSpec: Pod Security ``restricted``, no token, never restarted.

    ``sources`` are those of the projected volume. What the user may set is copied field by
    field; nothing else can pass.
    """
    options = project.migrate.pod
    pod: dict[str, JSON] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": _pod_security(options),
        "containers": [_container(project, program, attempt=attempt)],
        "volumes": [
            {"name": VOLUME, "projected": {"defaultMode": FILE_MODE, "sources": [*sources]}},
            *options.volumes,
        ],
    }
    return pod | _said(
        {
            "serviceAccountName": options.service_account_name,
            "priorityClassName": options.priority_class_name,
            "nodeSelector": dict(options.node_selector),
            "tolerations": list(options.tolerations),
            "affinity": options.affinity,
            "topologySpreadConstraints": list(options.topology_spread_constraints),
            "imagePullSecrets": list(options.image_pull_secrets),
        }
    )


def migrate_program(
    project: DjangoProject,
    alias: DatabaseAlias,
    purpose: Purpose = Purpose.MIGRATE,
    *,
    approved: str | None = None,
) -> Program:
    """Return the program that migrates an alias, or checks it; ``approved``: this plan alone."""
    arguments = build_arguments(project, alias, purpose)
    if approved is not None:
        arguments.insert(1, f"--approved={approved}")
    return Program("dbalias_migrate", arguments)


def manage_program(
    project: DjangoProject, words: Sequence[str], alias: DatabaseAlias | None
) -> Program:
    """Return the program that runs a management command, on an alias or without one."""
    arguments = [f"--lock-timeout={project.migrate.lock_timeout_seconds}"]
    if alias is not None:
        arguments.insert(0, f"--database={alias.alias}")
    if is_reading(words):
        arguments.append("--reads")
    return Program("dbalias_manage", [*arguments, "--", *words])


def build_arguments(
    project: DjangoProject, alias: DatabaseAlias, purpose: Purpose = Purpose.MIGRATE
) -> list[str]:
    """Return the runner's own arguments, then the user's after ``--``."""
    return [
        f"--database={alias.alias}",
        *(["--check"] if purpose is Purpose.CHECK else []),
        f"--lock-timeout={project.migrate.lock_timeout_seconds}",
        f"--audit={project.routing.audit.value}",
        *(f"--app={app}" for app in alias.migrate.apps),
        *(f"--command={word}" for word in project.migrate.command),
        "--",
        *project.migrate.args,
        *alias.migrate.args,
    ]


def _container(project: DjangoProject, program: Program, *, attempt: int) -> JSON:
    options = project.migrate.pod
    container: dict[str, JSON] = {
        "name": CONTAINER,
        "image": project.image,
        "command": [*project.interpreter, "-c", program.bootstrap],
        "args": list(program.arguments),
        "env": _environment(project, attempt=attempt),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": VOLUME, "mountPath": FOLDER, "readOnly": True},
            *options.volume_mounts,
        ],
    }
    return container | _said(
        {
            "imagePullPolicy": options.image_pull_policy,
            "envFrom": list(options.env_from),
            "resources": options.resources,
        }
    )


def _environment(project: DjangoProject, *, attempt: int) -> list[JSON]:
    """The user's variables, less those that decide what is migrated, then ours."""
    settings = project.settings
    imported = settings.mode is SettingsMode.IMPORTED and settings.module
    ours = {
        "DJANGO_SETTINGS_MODULE": settings.module if imported else OVERLAY_MODULE,
        ATTEMPT_VARIABLE: str(attempt),
    }
    theirs = [entry for entry in project.migrate.pod.env if entry.get("name") not in ours]
    return [*theirs, *({"name": name, "value": value} for name, value in ours.items())]


def _pod_security(options: PodOptions) -> JSON:
    return {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
        "fsGroup": DEFAULT_FS_GROUP if options.fs_group is None else options.fs_group,
        **_given({"runAsUser": options.run_as_user, "runAsGroup": options.run_as_group}),
    }


def _said(fields: dict[str, JSON]) -> dict[str, JSON]:
    return {name: value for name, value in fields.items() if value}


def _given(fields: dict[str, JSON]) -> dict[str, JSON]:
    return {name: value for name, value in fields.items() if value is not None}
