"""Every rule of the CRD of DatabaseServer, with an object it accepts and one it refuses."""

from __future__ import annotations

from typing import Any

from contract.crds.case import Case, a_server_spec
from contract.crds.cases_of_alias import CERTIFICATES, ONE_CA, keys, preset
from dbalias.api.meta import Kind


def ok(sentence: str, **fields: Any) -> Case:
    """Return a case that is accepted."""
    return Case(sentence, Kind.SERVER, a_server_spec(**fields), "main")


def no(sentence: str, at: str, message: str, **fields: Any) -> Case:
    """Return a case that is refused."""
    return Case(sentence, Kind.SERVER, a_server_spec(**fields), "main", f"spec.{at}", message)


def allowed(**fields: Any) -> dict[str, Any]:
    """Return the field ``allowedNamespaces``; ``source`` stands for from."""
    said = {"from" if name == "source" else name: value for name, value in fields.items()}
    return {"allowedNamespaces": said}


def term(operator: str, *values: str) -> dict[str, Any]:
    """Return a selector of one expression."""
    return {"matchExpressions": [{"key": "stage", "operator": operator, "values": [*values]}]}


OTHER_FIELDS = (
    "host, port and database of a server are fields of its spec. "
    "Remove the keys host, port and name"
)
NAMES = "names and from Names need each other. Set both, or neither"
SELECTOR = "selector and from Selector need each other. Set both, or neither"
VALUES = "In and NotIn need values, Exists and DoesNotExist take none. Add or remove values"

PLACE = [
    *(ok(f"a server may be a {engine}", engine=engine) for engine in ("mysql", "mariadb")),
    *(
        ok(f"{host} is a host", host=host)
        for host in ("db", "db.example.com", "10.0.0.1", "fe80::1%eth0", "my_db")
    ),
    ok("an administrator may begin anywhere in PostgreSQL", database="provisioning"),
    *(
        no(
            f"{engine} has no database to begin in",
            "database",
            "database is for postgresql alone. Remove database",
            engine=engine,
            database="d",
        )
        for engine in ("mysql", "mariadb")
    ),
    ok(
        "certificates come from a Secret",
        tls={"caRef": {"secretKeyRef": {"name": "c", "key": "k"}}},
    ),
    no("certificates come from somewhere", "tls.caRef", ONE_CA, tls={"caRef": {}}),
    no(
        "without TLS there is no use for certificates",
        "tls",
        "mode disable uses no certificates. "
        "Remove caRef and clientCertificateRef, or choose another mode",
        tls={"mode": "disable", "caRef": CERTIFICATES},
    ),
]

ADMINISTRATOR = [
    *(
        ok(f"an administrator may come as {word}", adminCredentials=preset(word))
        for word in ("BasicAuth", "CloudNativePG", "ServiceBinding", "URL")
    ),
    ok("keys say where the login is", adminCredentials=keys(user="u", password="p")),
    ok("a url holds a login too", adminCredentials=keys(url="u")),
    *(
        no(
            f"the {field} of a server is in its spec",
            "adminCredentials.keys",
            OTHER_FIELDS,
            adminCredentials=keys(**{field: "k"}),
        )
        for field in ("host", "port", "name")
    ),
    no(
        "a preset and keys are one too many",
        "adminCredentials",
        "preset and keys exclude each other. Keep one of them",
        adminCredentials={**preset("BasicAuth"), **keys(password="p")},
    ),
    no(
        "a url stands alone",
        "adminCredentials.keys",
        "url holds what the other keys name. Keep url alone, or remove it",
        adminCredentials=keys(url="u", password="p"),
    ),
]

ADMITTED = [
    *(ok(f"{word} needs nothing", **allowed(source=word)) for word in ("Same", "All")),
    ok("nothing said is nobody admitted", **allowed()),
    ok("namespaces may be named", **allowed(source="Names", names=["shop"])),
    ok("labels may be named", **allowed(source="Selector", selector={"matchLabels": {"a": ""}})),
    *(
        ok(
            f"labels may be compared by {operator}",
            **allowed(source="Selector", selector=term(operator, *values)),
        )
        for operator, values in {"In": "ab", "NotIn": "a", "Exists": "", "DoesNotExist": ""}.items()
    ),
    no("Names needs names", "allowedNamespaces.names", NAMES, **allowed(source="Names")),
    no(
        "names need Names",
        "allowedNamespaces.names",
        NAMES,
        **allowed(source="All", names=["shop"]),
    ),
    no(
        "Selector needs a selector",
        "allowedNamespaces.selector",
        SELECTOR,
        **allowed(source="Selector"),
    ),
    no(
        "a selector needs Selector",
        "allowedNamespaces.selector",
        SELECTOR,
        **allowed(selector=term("Exists")),
    ),
    *(
        no(
            f"{what} would admit everybody",
            "allowedNamespaces.selector",
            "selector demands nothing. Name labels, or set from to All",
            **allowed(source="Selector", selector={field: {} for field in fields}),
        )
        for what, fields in {
            "an empty selector": (),
            "a selector of no labels": ("matchLabels",),
        }.items()
    ),
    *(
        no(
            f"{operator} with {len(values)} values compares nothing",
            "allowedNamespaces.selector.matchExpressions",
            VALUES,
            **allowed(source="Selector", selector=term(operator, *values)),
        )
        for operator, values in {"In": "", "NotIn": "", "Exists": "a", "DoesNotExist": "a"}.items()
    ),
]

CASES = [*PLACE, *ADMINISTRATOR, *ADMITTED]
