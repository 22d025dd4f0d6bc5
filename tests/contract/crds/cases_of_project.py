"""Every rule of the CRD of DjangoProject, with an object it accepts and one it refuses."""

from __future__ import annotations

from typing import Any

from contract.crds.case import Case, a_pod_spec
from dbalias.api.meta import Kind

AGE = "connMaxAge is neither seconds nor Unlimited. Write a whole number from 0 on, or Unlimited"
DATABASE = "--database is given by dbalias. Remove it from args"
DEADLINE = (
    "deadlineSeconds is not longer than lockTimeoutSeconds (300 by default). "
    "Raise deadlineSeconds, or lower lockTimeoutSeconds"
)
SETTING = "name is not the name of a Django setting. Write upper-case letters, digits and _"
GENERATED = (
    "DATABASES and DATABASE_ROUTERS are generated. "
    "Declare DatabaseAlias and DatabaseRoutingPolicy objects instead"
)


def ok(sentence: str, *, name: str = "shop", **spec: Any) -> Case:
    """Return a case that is accepted."""
    return Case(sentence, Kind.PROJECT, spec, name)


def no(sentence: str, at: str, message: str, *, named: str = "shop", **spec: Any) -> Case:
    """Return a case that is refused."""
    return Case(sentence, Kind.PROJECT, spec, named, at, message)


def extra(name: str) -> dict[str, Any]:
    """Return ``settings`` with one further setting."""
    return {"extra": [{"name": name, "value": ["r1"]}]}


def profile(age: Any = 0, **fields: Any) -> list[dict[str, Any]]:
    """Return ``profiles`` with one connMaxAge and further ``fields``."""
    return [{"name": "web", "aliases": [{"alias": "*", "connMaxAge": age, **fields}]}]


def command(**fields: Any) -> list[dict[str, Any]]:
    """Return ``commands`` with one entry."""
    return [{"name": "check", "args": ["check"], **fields}]


PROJECT = [
    ok("nothing must be said"),
    ok("a name may have 63 characters", name="a" * 63),
    no(
        "a name may not have 64 characters",
        "",
        "the name of a DjangoProject is a label's value, of at most 63 characters. "
        "Choose a shorter name",
        named="a" * 64,
    ),
    ok(
        "a module may import the settings", settings={"mode": "Imported", "module": "shop.settings"}
    ),
    no(
        "without a module nothing can import the settings",
        "spec.settings",
        "settings.mode Imported needs settings.module. Set module, or set mode to Overlay",
        settings={"mode": "Imported"},
    ),
    no(
        "the published settings cannot build on themselves",
        "spec.settings.module",
        "settings.module names a published module. Name the project's own settings module",
        settings={"module": "dbalias_settings"},
    ),
    ok("other settings may be published", settings=extra("REPLICA_DATABASES")),
    no("settings are upper-case", "spec.settings.extra.name", SETTING, settings=extra("Replica")),
    *(
        no(f"{name} is not for users", "spec.settings.extra.name", GENERATED, settings=extra(name))
        for name in ("DATABASES", "DATABASE_ROUTERS")
    ),
    ok("a profile may keep connections for ever", profiles=profile("Unlimited")),
    ok("a profile may keep connections for a while", profiles=profile(300)),
    no(
        "a profile keeps no connection for less than nothing",
        "spec.profiles.aliases.connMaxAge",
        AGE,
        profiles=profile(-1),
    ),
    no(
        "a profile knows no other word",
        "spec.profiles.aliases.connMaxAge",
        AGE,
        profiles=profile("None"),
    ),
    ok("a profile may write options as a text", profiles=profile(optionsJSON='{"a": null}')),
    no(
        "a profile says its options once",
        "spec.profiles.aliases.optionsJSON",
        "options and optionsJSON exclude each other. Keep one of them",
        profiles=profile(options={}, optionsJSON="{}"),
    ),
    ok("migrate may take arguments", migrate={"args": ["--fake-initial"]}),
    no(
        "migrate takes no --database",
        "spec.migrate.args",
        DATABASE,
        migrate={"args": ["--database", "users"]},
    ),
    ok("a run may have a deadline", migrate={"deadlineSeconds": 301}),
    ok(
        "a short deadline needs a shorter lock timeout",
        migrate={"deadlineSeconds": 61, "lockTimeoutSeconds": 60},
    ),
    no(
        "no deadline ends the waiting for the lock",
        "spec.migrate.deadlineSeconds",
        DEADLINE,
        migrate={"deadlineSeconds": 300},
    ),
    ok("a command may name databases", commands=command(databases=["default"])),
    no(
        "a command for the project names no databases",
        "spec.commands.databases",
        "databases needs scope PerDatabase. Remove databases, or change scope",
        commands=command(scope="Project", databases=["default"]),
    ),
    ok(
        "a command for the project may choose its database",
        commands=command(scope="Project", args=["check", "--database=users"]),
    ),
    no(
        "a command for each database is given it",
        "spec.commands.args",
        DATABASE,
        commands=command(args=["check", "--database=users"]),
    ),
]

KEY = (
    "{0} has a key that Kubernetes does not allow. "
    "Write name or prefix/name, the name of at most 63 letters, digits, -, _ and ."
)
OWN_KEY = (
    "{0} has a key that dbalias sets itself. "
    "Remove the keys of dbalias.dev and app.kubernetes.io/managed-by"
)
VARIABLE = "this variable is set by dbalias. Remove it; settings.module names the settings"
SOURCE = (
    "a volume has not exactly one source. Set one of configMap, secret, projected, emptyDir and csi"
)
TWO_KEYS = {
    "secretKeyRef": {"name": "s", "key": "k"},
    "fieldRef": {"fieldPath": "metadata.name"},
}


def pod(sentence: str, **fields: Any) -> Case:
    """Return a case of pod options that is accepted."""
    return Case(sentence, Kind.PROJECT, a_pod_spec(**fields), "shop")


def no_pod(sentence: str, at: str, message: str, **fields: Any) -> Case:
    """Return a case of pod options that is refused."""
    spec = a_pod_spec(**fields)
    return Case(sentence, Kind.PROJECT, spec, "shop", f"spec.migrate.pod.{at}", message)


def projected(*sources: dict[str, Any]) -> list[dict[str, Any]]:
    """Return ``volumes`` with one projected volume."""
    return [{"name": "files", "projected": {"sources": list(sources)}}]


POD = [
    pod(
        "variables come from anywhere",
        env=[
            {"name": "A", "value": ""},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
            {"name": "DBALIAS_PROFILE", "value": "jobs"},
        ],
        envFrom=[{"prefix": "X_", "configMapRef": {"name": "c"}}],
    ),
    *(
        no_pod(f"{name} is not for users", "env.name", VARIABLE, env=[{"name": name}])
        for name in ("DJANGO_SETTINGS_MODULE", "DBALIAS_CREDENTIALS_DIR")
    ),
    no_pod(
        "a variable has one value",
        "env",
        "value and valueFrom exclude each other. Keep one of them",
        env=[{"name": "A", "value": "", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}],
    ),
    *(
        no_pod(
            f"a variable comes from one source, not from {len(sources)}",
            "env.valueFrom",
            "valueFrom names not exactly one source. "
            "Set one of configMapKeyRef, secretKeyRef and fieldRef",
            env=[{"name": "A", "valueFrom": sources}],
        )
        for sources in ({}, TWO_KEYS)
    ),
    *(
        no_pod(
            f"variables come from one source, not from {len(sources)}",
            "envFrom",
            "envFrom names not exactly one source. Set one of configMapRef and secretRef",
            envFrom=[sources],
        )
        for sources in ({}, {"configMapRef": {"name": "c"}, "secretRef": {"name": "s"}})
    ),
    *(
        case
        for field in ("labels", "annotations")
        for case in (
            pod(f"{field} may have a prefix", **{field: {"example.com/team": "shop", "tier": ""}}),
            no_pod(f"{field} have legal keys", field, KEY.format(field), **{field: {"a b": "c"}}),
            no_pod(
                f"{field} have short keys",
                field,
                KEY.format(field),
                **{field: {f"example.com/{'a' * 64}": "c"}},
            ),
            *(
                no_pod(
                    f"{key} of {field} is ours", field, OWN_KEY.format(field), **{field: {key: "c"}}
                )
                for key in ("dbalias.dev/alias", "app.kubernetes.io/managed-by")
            ),
        )
    ),
    pod(
        "a mounted volume is declared",
        volumes=[{"name": "ca", "configMap": {"name": "ca"}}],
        volumeMounts=[{"name": "ca", "mountPath": "/etc/ca"}],
    ),
    no_pod(
        "an undeclared volume cannot be mounted",
        "volumeMounts",
        "volumeMounts names a volume that is not in volumes. "
        "Add it to volumes, or remove the mount",
        volumeMounts=[{"name": "ca", "mountPath": "/etc/ca"}],
    ),
    *(
        no_pod(
            f"nothing is mounted at {path}",
            "volumeMounts.mountPath",
            "/etc/dbalias is where dbalias mounts the published files. Choose another mountPath",
            volumes=[{"name": "ca", "emptyDir": {}}],
            volumeMounts=[{"name": "ca", "mountPath": path}],
        )
        for path in ("/etc/dbalias", "/etc/dbalias/more")
    ),
    *(
        no_pod(f"a volume has one source, not {len(sources)}", "volumes", SOURCE, volumes=[volume])
        for sources in ({}, {"emptyDir": {}, "secret": {"secretName": "s"}})
        for volume in [{"name": "ca", **sources}]
    ),
    no_pod(
        "names of volumes that begin with dbalias are ours",
        "volumes.name",
        "names that begin with dbalias are kept for dbalias' own volumes. Choose another name",
        volumes=[{"name": "dbalias-files", "emptyDir": {}}],
    ),
    pod(
        "a projected volume takes several sources",
        volumes=projected(
            {"secret": {"name": "s"}}, {"serviceAccountToken": {"path": "t", "audience": "rds"}}
        ),
    ),
    *(
        no_pod(
            f"a projected source is of one kind, not of {len(source)}",
            "volumes.projected.sources",
            "a projected source has not exactly one kind. "
            "Set one of configMap, secret and serviceAccountToken",
            volumes=projected(source),
        )
        for source in ({}, {"secret": {"name": "s"}, "configMap": {"name": "c"}})
    ),
    pod("a container has resources", resources={"limits": {"cpu": 1, "memory": "1.5Gi"}}),
]

CASES = [*PROJECT, *POD]
