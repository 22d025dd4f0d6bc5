"""Published URLs: what is said in them, and that reading them gives it back."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbalias.api.alias import TLS, DatabaseAlias, ObjectKeyRef, TLSMode
from dbalias.api.urls import parse_url, render_url
from dbalias.django.artefact import build_artefact, secret_data
from dbalias.django.resolve import resolve
from dbalias.django.routing import build_routing
from unit.builders import a_config_map, a_project, a_secret, an_alias, credentials

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
HOSTS = ["db", "::1", "fe80::1%eth0", "/run/pg sql", "h1,h2", "h1,::1", "/a,/b"]
AUTHORITY = TLS(
    mode=TLSMode.VERIFY_FULL,
    ca=ObjectKeyRef("ConfigMap", "ca", "ca.pem"),
    client_certificate="client",
)


def url_of(alias: DatabaseAlias, sources: Any = None) -> str | None:
    """Return the URL that is published for an alias; None when there is none."""
    project = a_project()
    resolution = resolve(project, [alias], sources or {})
    assert not resolution.problems
    routing = build_routing(project, resolution, (), aliases=[alias])
    document = build_artefact(project, resolution, routing, published=None).document
    found = secret_data(resolution, published={}, keep=document).get(f"{alias.alias}.url")
    return found.reveal().decode() if found else None


@pytest.mark.parametrize("host", HOSTS)
@given(query=st.dictionaries(TEXT, st.text(st.characters(codec="utf-8", exclude_characters="\0"))))
def test_any_address_and_query_survive_a_url(host: str, query: dict[str, str]) -> None:
    """Zones of IPv6, folders of sockets, several hosts; every character of an option."""
    fields = {"host": host, "port": "1,2" if "," in host else "1", "name": "n"}
    parsed = parse_url(render_url("postgresql", fields, query=query))
    assert parsed is not None
    assert (parsed.fields, parsed.query) == (fields, query)


def test_a_url_is_no_weaker_than_the_settings() -> None:
    """Verification and certificates are in it, as files where every pod mounts them."""
    alias = an_alias(
        tls=AUTHORITY,
        options={"application_name": "a&b", "keepalives": 1, "isolation_level": "serializable"},
    )
    sources = a_config_map("ca", **{"ca.pem": "CA"}) | a_secret(
        "client", **{"tls.crt": "CRT", "tls.key": "KEY"}
    )
    query = parse_qs(urlsplit(url_of(alias, sources) or "").query)
    files = {key: query.pop(key)[0] for key in ("sslrootcert", "sslcert", "sslkey")}
    assert query == {"application_name": ["a&b"], "keepalives": ["1"], "sslmode": ["verify-full"]}
    assert all(path.startswith("/etc/dbalias/") for path in files.values())
    assert [path[-4:] for path in files.values()] == [".crt", ".crt", ".key"]


def test_options_of_a_secret_url_are_in_the_published_one() -> None:
    """They are secret, and so is the URL."""
    alias = an_alias(user=None, name=None, host=None, credentials=credentials(preset="URL"))
    url = "postgresql://u:p@h/n?sslmode=require"
    assert url_of(alias, a_secret(url=url)) == url


def test_a_mysql_url_has_what_every_driver_takes_as_text() -> None:
    """No TLS: each client spells it in its own way, and would refuse the others'."""
    alias = an_alias(
        engine="mysql",
        host="db",
        tls=TLS(mode=TLSMode.REQUIRE),
        options={"charset": "utf8mb4", "connect_timeout": 5},
    )
    assert urlsplit(url_of(alias) or "").query == "charset=utf8mb4"


def test_a_file_has_no_url() -> None:
    """There is no server to name."""
    assert url_of(an_alias(engine="sqlite3", host=None, user=None, name="/data/db")) is None
