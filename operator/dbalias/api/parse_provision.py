"""Reading ``spec.serverRef`` and ``spec.provision`` of a DatabaseAlias."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from dbalias.api.meta import JSON
from dbalias.api.provision import (
    Charset,
    DatabaseSpec,
    DeletionPolicy,
    Extension,
    PasswordRule,
    Provision,
    ServerRef,
)

Spec = Mapping[str, JSON]

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def build_server_ref(spec: Spec | None, namespace: str) -> ServerRef | None:
    """Return which server is named, by default one of ``namespace``; None for none."""
    return ServerRef(spec.get("namespace", namespace), spec["name"]) if spec else None


def build_provision(spec: Spec | None) -> Provision | None:
    """Return what is to be made; None where nothing is, an empty map asks for the defaults."""
    if spec is None:
        return None
    return Provision(
        database=_build_database(spec.get("database", {})),
        deletion_policy=DeletionPolicy(spec.get("deletionPolicy", DeletionPolicy.RETAIN)),
        adopt=spec.get("adopt", False),
        password=_build_password(spec.get("password", {})),
        rotation=_build_interval(spec["rotation"]["interval"]) if "rotation" in spec else None,
        read_only=spec.get("readOnly", False),
    )


def _build_database(spec: Spec) -> DatabaseSpec:
    return DatabaseSpec(
        encoding=spec.get("encoding"),
        locale=spec.get("locale"),
        template=spec.get("template"),
        extensions=tuple(
            Extension(one["name"], one.get("schema"), one.get("version"))
            for one in spec.get("extensions", ())
        ),
        schemas=tuple(spec.get("schemas", ())),
        connection_limit=spec.get("connectionLimit"),
        charset=spec.get("charset"),
        collation=spec.get("collation"),
    )


def _build_password(spec: Spec) -> PasswordRule:
    default = PasswordRule()
    return PasswordRule(
        length=spec.get("length", default.length),
        charset=Charset(spec.get("charset", default.charset)),
    )


def _build_interval(text: str) -> timedelta:
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
