"""Reading a DjangoProject."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dbalias.api import limits
from dbalias.api.alias import UNLIMITED
from dbalias.api.meta import JSON, Kind
from dbalias.api.parse_metadata import Envelope, open_envelope
from dbalias.api.problems import Parsed
from dbalias.api.project import (
    AuditMode,
    Command,
    CommandScope,
    CommandTime,
    DjangoProject,
    MigrateMode,
    OnFailure,
    PodOptions,
    Profile,
    ProfileEntry,
    ProjectMigrate,
    PublishMode,
    Routing,
    Settings,
    SettingsMode,
    Unmatched,
    WaitFor,
    Workload,
    WorkloadKind,
)
from dbalias.api.reader import Reader
from dbalias.api.rules_of_project import demand_project_rules
from dbalias.api.shape_of_pod import POD
from dbalias.api.shape_of_project import PROJECT_SPEC
from dbalias.api.shapes import Items

Spec = Mapping[str, JSON]

PROFILE_KEYS = {
    "connMaxAge": "CONN_MAX_AGE",
    "connHealthChecks": "CONN_HEALTH_CHECKS",
    "atomicRequests": "ATOMIC_REQUESTS",
    "options": "OPTIONS",
}
"""Fields of a profile's entry and the keys of Django's dictionary."""


def parse_project(body: JSON) -> Parsed[DjangoProject]:
    """Return the project that ``body`` declares, or every problem that it has."""
    envelope = open_envelope(body, kind=Kind.PROJECT, spec=PROJECT_SPEC)
    reader = envelope.reader
    reader.demand(
        len(envelope.metadata.name) <= limits.PROJECT_NAME_LENGTH,
        "metadata.name",
        "the name of a DjangoProject is a label's value, of at most 63 characters",
        "Choose a shorter name",
    )
    demand_project_rules(reader, envelope.spec)
    settings = _build_settings(reader, envelope.spec.get("settings", {}))
    profiles = tuple(
        _build_profile(reader, profile, f"spec.profiles[{index}]")
        for index, profile in enumerate(envelope.spec.get("profiles", ()))
    )
    if reader.problems:
        return Parsed(None, tuple(reader.problems))
    return Parsed(_build_project(envelope, settings, profiles))


def _build_project(
    envelope: Envelope, settings: Settings, profiles: tuple[Profile, ...]
) -> DjangoProject:
    spec = envelope.spec
    wait_for = spec.get("waitFor", {})
    return DjangoProject(
        metadata=envelope.metadata,
        image=spec.get("image"),
        settings=settings,
        interpreter=tuple(spec.get("interpreter") or ("python",)),
        routing=_build_routing(spec.get("routing", {})),
        publish=PublishMode(spec.get("publish", PublishMode.AFTER_MIGRATE)),
        profiles=profiles,
        wait_for=WaitFor(
            aliases=tuple(wait_for.get("aliases", ())),
            policies=tuple(wait_for.get("policies", ())),
        ),
        migrate=_build_migrate(spec.get("migrate", {})),
        commands=tuple(_build_command(command) for command in spec.get("commands", ())),
        workloads=tuple(
            Workload(WorkloadKind(workload["kind"]), workload["name"])
            for workload in spec.get("workloads", ())
        ),
        suspend=spec.get("suspend", False),
        status=envelope.status,
    )


def _build_settings(reader: Reader, spec: Spec) -> Settings:
    return Settings(
        module=spec.get("module"),
        mode=SettingsMode(spec.get("mode", SettingsMode.OVERLAY)),
        extra={
            extra.get("name", ""): _read_value(reader, extra, f"spec.settings.extra[{index}]")
            for index, extra in enumerate(spec.get("extra", ()))
        },
    )


def _read_value(reader: Reader, extra: Spec, at: str) -> JSON:
    reader.demand(
        ("value" in extra) != ("valueJSON" in extra),
        at,
        "a setting needs exactly one of value and valueJSON",
        "Write value, or valueJSON where exact numbers or null matter",
    )
    if "valueJSON" in extra:
        return reader.read_json(extra["valueJSON"], at=f"{at}.valueJSON")
    return extra.get("value")


def _build_routing(spec: Spec) -> Routing:
    return Routing(
        before=tuple(spec.get("before", ())),
        after=tuple(spec.get("after", ())),
        unmatched=Unmatched(spec["unmatched"]) if "unmatched" in spec else None,
        audit=AuditMode(spec.get("audit", AuditMode.ENFORCE)),
    )


def _build_profile(reader: Reader, spec: Spec, at: str) -> Profile:
    """Return a profile, of a spec that may have problems."""
    entries = (
        reader.read_json_fields(entry, "options", at=f"{at}.aliases[{index}]")
        for index, entry in enumerate(spec.get("aliases", ()))
    )
    return Profile(spec.get("name", ""), tuple(_build_entry(entry) for entry in entries))


def _build_entry(spec: Spec) -> ProfileEntry:
    return ProfileEntry(
        spec.get("alias", ""),
        {
            key: None if spec[field] == UNLIMITED else spec[field]
            for field, key in PROFILE_KEYS.items()
            if field in spec
        },
    )


def _build_migrate(spec: Spec) -> ProjectMigrate:
    default = ProjectMigrate()
    return ProjectMigrate(
        mode=MigrateMode(spec.get("mode", default.mode)),
        command=tuple(spec.get("command", ())),
        args=tuple(spec.get("args", ())),
        max_parallel=spec.get("maxParallel", default.max_parallel),
        lock_timeout_seconds=spec.get("lockTimeoutSeconds", default.lock_timeout_seconds),
        deadline_seconds=spec.get("deadlineSeconds"),
        history_limit=spec.get("historyLimit", default.history_limit),
        pod=_build_pod(spec.get("pod", {})),
    )


def _build_pod(spec: Spec) -> PodOptions:
    given: dict[str, JSON] = {
        _snake_case(field): tuple(spec[field]) if isinstance(shape, Items) else spec[field]
        for field, shape in POD.fields.items()
        if field in spec
    }
    return PodOptions(**given)


def _snake_case(field: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", field)


def _build_command(spec: Spec) -> Command:
    return Command(
        name=spec["name"],
        args=tuple(spec["args"]),
        scope=CommandScope(spec.get("scope", CommandScope.PER_DATABASE)),
        databases=tuple(spec.get("databases", ())),
        when=CommandTime(spec.get("when", CommandTime.AFTER_MIGRATE)),
        on_failure=OnFailure(spec.get("onFailure", OnFailure.BLOCK)),
    )
