"""What a DjangoProject must hold beyond its shape, as the CRD's CEL rules say it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dbalias.api import limits
from dbalias.api.meta import JSON
from dbalias.api.project import CommandScope, ProjectMigrate, SettingsMode
from dbalias.api.reader import Reader
from dbalias.api.rules_of_alias import demand_conn_max_age, demand_one_source
from dbalias.api.rules_of_arguments import demand_no_database
from dbalias.api.rules_of_pod import demand_pod_rules

Spec = Mapping[str, JSON]


def demand_project_rules(reader: Reader, spec: Spec) -> None:
    """Report what the CRD's rules refuse."""
    _demand_settings(reader, spec.get("settings", {}))
    for index, profile in enumerate(spec.get("profiles", ())):
        for place, entry in enumerate(profile.get("aliases", ())):
            at = f"spec.profiles[{index}].aliases[{place}]"
            demand_conn_max_age(reader, entry, at=f"{at}.connMaxAge")
            demand_one_source(reader, entry, "options", at=at)
    _demand_migrate(reader, spec.get("migrate", {}))
    for index, command in enumerate(spec.get("commands", ())):
        _demand_command(reader, command, f"spec.commands[{index}]")


def _demand_settings(reader: Reader, settings: Spec) -> None:
    reader.demand(
        settings.get("mode") != SettingsMode.IMPORTED or "module" in settings,
        "spec.settings.module",
        "settings.mode Imported needs settings.module",
        "Set module, or set mode to Overlay",
    )
    reader.demand(
        not settings.get("module", "").startswith("dbalias_"),
        "spec.settings.module",
        "settings.module names a published module",
        "Name the project's own settings module",
    )
    for index, extra in enumerate(settings.get("extra", ())):
        name, at = extra.get("name", ""), f"spec.settings.extra[{index}].name"
        reader.demand(
            re.fullmatch(limits.SETTING_NAME, name) is not None,
            at,
            "name is not the name of a Django setting",
            "Write upper-case letters, digits and _",
        )
        reader.demand(
            name not in limits.GENERATED_SETTINGS,
            at,
            "DATABASES and DATABASE_ROUTERS are generated",
            "Declare DatabaseAlias and DatabaseRoutingPolicy objects instead",
        )


def _demand_migrate(reader: Reader, migrate: Spec) -> None:
    demand_no_database(reader, migrate.get("args", ()), at="spec.migrate.args")
    deadline = migrate.get("deadlineSeconds")
    lock = migrate.get("lockTimeoutSeconds", ProjectMigrate().lock_timeout_seconds)
    reader.demand(
        deadline is None or deadline > lock,
        "spec.migrate.deadlineSeconds",
        "deadlineSeconds is not longer than lockTimeoutSeconds (300 by default)",
        "Raise deadlineSeconds, or lower lockTimeoutSeconds",
    )
    demand_pod_rules(reader, migrate.get("pod", {}), at="spec.migrate.pod")


def _demand_command(reader: Reader, command: Spec, at: str) -> None:
    if command.get("scope") == CommandScope.PROJECT:
        reader.demand(
            not command.get("databases"),
            f"{at}.databases",
            "databases needs scope PerDatabase",
            "Remove databases, or change scope",
        )
    else:
        demand_no_database(reader, command.get("args", ()), at=f"{at}.args")
