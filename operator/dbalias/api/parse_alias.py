"""Reading a DatabaseAlias."""

from __future__ import annotations

from collections.abc import Mapping

from dbalias.api import limits
from dbalias.api.alias import (
    TLS,
    AliasMigrate,
    Credentials,
    DatabaseAlias,
    MigrateConnection,
    ObjectKeyRef,
    Pooler,
    Preset,
    Role,
    TLSMode,
)
from dbalias.api.meta import JSON, Kind
from dbalias.api.parse_metadata import Envelope, open_envelope
from dbalias.api.parse_provision import build_provision, build_server_ref
from dbalias.api.problems import Parsed
from dbalias.api.project import MigrateMode
from dbalias.api.reader import Reader
from dbalias.api.rules_of_alias import demand_alias_rules
from dbalias.api.shape_of_alias import ALIAS_SPEC

Spec = Mapping[str, JSON]

TEST_KEYS = {
    "name": "NAME",
    "mirror": "MIRROR",
    "dependencies": "DEPENDENCIES",
    "charset": "CHARSET",
    "collation": "COLLATION",
    "migrate": "MIGRATE",
    "template": "TEMPLATE",
}
"""Fields of ``spec.test`` and the keys of Django's TEST dictionary."""

OWN_TEST_KEYS = frozenset({*TEST_KEYS.values(), "PASSWORD"})
OWN_KEYS = frozenset(
    {
        *("ENGINE", "NAME", "HOST", "PORT", "USER", "PASSWORD", "OPTIONS", "TEST", "TIME_ZONE"),
        *("CONN_MAX_AGE", "CONN_HEALTH_CHECKS", "ATOMIC_REQUESTS", "AUTOCOMMIT"),
        "DISABLE_SERVER_SIDE_CURSORS",
    }
)
"""Keys of Django's dictionaries that have a field of their own, so that extra sets none."""


def parse_alias(body: JSON) -> Parsed[DatabaseAlias]:
    """Return the alias that ``body`` declares, or every problem that it has.

    ``body`` is the object as Kubernetes returns it or as a file holds it.
    """
    envelope = open_envelope(body, kind=Kind.ALIAS, spec=ALIAS_SPEC)
    reader, spec = envelope.reader, envelope.spec
    alias = spec.get("alias") or envelope.metadata.name
    reader.demand(
        "alias" in spec or len(alias) <= limits.ALIAS_NAME_LENGTH,
        "spec.alias",
        "metadata.name is too long for an alias",
        "Set alias to a name of at most 63 characters",
    )
    demand_alias_rules(reader, spec, alias=alias)
    spec = _with_texts_read(reader, spec)
    _demand_further_keys(reader, spec.get("extra", {}), OWN_KEYS, at="spec.extra")
    further = spec.get("test", {}).get("extra", {})
    _demand_further_keys(reader, further, OWN_TEST_KEYS, at="spec.test.extra")
    if reader.problems:
        return Parsed(None, tuple(reader.problems))
    return Parsed(_build_alias(envelope, spec, alias))


def _with_texts_read(reader: Reader, spec: Spec) -> Spec:
    """Return the spec with what its JSON texts say in the fields that take maps."""
    whole = reader.read_json_fields(spec, "options", "extra", at="spec")
    if "test" in whole:
        whole["test"] = reader.read_json_fields(whole["test"], "extra", at="spec.test")
    if "connection" in whole.get("migrate", {}):
        at, connection = "spec.migrate.connection", whole["migrate"]["connection"]
        read = reader.read_json_fields(connection, "options", at=at)
        whole["migrate"] = {**whole["migrate"], "connection": read}
    return whole


def _demand_further_keys(reader: Reader, extra: Spec, own: frozenset[str], *, at: str) -> None:
    for key in sorted(own & extra.keys()):
        reader.refuse(f"{at}.{key}", f"{key} has a field of its own", "Use that field instead")


def _build_alias(envelope: Envelope, spec: Spec, alias: str) -> DatabaseAlias:
    return DatabaseAlias(
        metadata=envelope.metadata,
        project=spec["projectRef"]["name"],
        alias=alias,
        empty=spec.get("empty", False),
        engine=spec.get("engine"),
        name=spec.get("name"),
        host=spec.get("host"),
        port=spec.get("port"),
        user=spec.get("user"),
        credentials=build_credentials(spec["credentials"]) if "credentials" in spec else None,
        server=build_server_ref(spec.get("serverRef"), envelope.metadata.namespace),
        provision=build_provision(spec.get("provision")),
        tls=build_tls(spec.get("tls")),
        pooler=Pooler(spec["pooler"]) if "pooler" in spec else None,
        options=spec.get("options", {}),
        conn_max_age=spec.get("connMaxAge"),
        conn_health_checks=spec.get("connHealthChecks"),
        atomic_requests=spec.get("atomicRequests"),
        autocommit=spec.get("autocommit"),
        disable_server_side_cursors=spec.get("disableServerSideCursors"),
        time_zone=spec.get("timeZone"),
        test=_build_test(spec.get("test", {})),
        test_password=_build_key_ref("Secret", spec.get("test", {}).get("passwordSecretRef")),
        extra=spec.get("extra", {}),
        role=Role(spec.get("role", Role.PRIMARY)),
        inherit_from=spec.get("inheritFrom"),
        migrate=_build_migrate(spec.get("migrate", {})),
        status=envelope.status,
    )


def build_credentials(spec: Spec) -> Credentials:
    """Return which Secret is named, and how it is read."""
    preset = Preset(spec["preset"]) if "preset" in spec else None
    return Credentials(spec["secretRef"]["name"], preset=preset, keys=spec.get("keys", {}))


def build_tls(spec: Spec | None) -> TLS | None:
    """Return what a spec says of TLS, None for nothing."""
    if spec is None:
        return None
    return TLS(
        mode=TLSMode(spec["mode"]) if "mode" in spec else None,
        ca=_build_ca(spec.get("caRef")),
        client_certificate=spec.get("clientCertificateRef", {}).get("name"),
    )


def _build_ca(spec: Spec | None) -> ObjectKeyRef | None:
    if spec is None:
        return None
    [(field, ref)] = spec.items()
    return _build_key_ref("ConfigMap" if field == "configMapKeyRef" else "Secret", ref)


def _build_key_ref(kind: str, ref: Spec | None) -> ObjectKeyRef | None:
    return ObjectKeyRef(kind, ref["name"], ref["key"]) if ref else None


def _build_test(spec: Spec) -> dict[str, JSON]:
    own = {key: spec[field] for field, key in TEST_KEYS.items() if field in spec}
    return {**spec.get("extra", {}), **own}


def _build_migrate(spec: Spec) -> AliasMigrate:
    return AliasMigrate(
        mode=MigrateMode(spec["mode"]) if "mode" in spec else None,
        apps=tuple(spec.get("apps", ())),
        depends_on=tuple(spec.get("dependsOn", ())),
        args=tuple(spec.get("args", ())),
        connection=_build_connection(spec.get("connection")),
    )


def _build_connection(spec: Spec | None) -> MigrateConnection | None:
    if spec is None:
        return None
    return MigrateConnection(
        host=spec.get("host"),
        port=spec.get("port"),
        user=spec.get("user"),
        credentials=build_credentials(spec["credentials"]) if "credentials" in spec else None,
        options=spec.get("options", {}),
    )
