"""Names and passwords of every kind: nothing is ever interpreted, and no log holds a password."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dbalias.api.secrets import SecretBytes
from dbalias.servers.plot import Standing
from integration.servers.mysql.site import Site, a_wanted, ask
from integration.servers.wanting import issued

ODD = "`'\"%_\\;-#/*. (){}$@\t\n?üß漢é" + string.ascii_letters
LONGEST = 64
NAMES = [
    "odd`; DROP DATABASE team; --",
    "odd'%_\\\"",
    "odd\\",
    "odd\\_",
    "odd%s%(x)s{}",
    "odd_%",
    "odd-" + "x" * (LONGEST - 4),
    "odd漢字ü",
    "odd/..",
    "odd select",
]


def try_out(site: Site, database: str, password: bytes) -> None:
    """Provide, log in, work, look again, and remove."""
    wanted = a_wanted(database=database)
    plot = site.look(wanted)
    assert plot.obstacle() is None
    login = wanted.logins.a
    site.carry_out(plot.steps(issued(wanted), {login: SecretBytes(password)}))
    assert site.look(wanted).steps(issued(wanted), {}) == ()
    assert site.has_database(database)
    with site.log_in(login, database, password=password.decode()) as connection:
        ask(connection, "CREATE TABLE t (id INT)")
    site.remove(wanted)
    assert site.leaves_nothing(wanted)


@pytest.mark.parametrize("name", NAMES)
def test_an_odd_name_is_a_name(site: Site, name: str) -> None:
    """Quotes, wildcards, backslashes, braces, comments, unicode, 64 characters."""
    try_out(site, name, b"plain")


@settings(
    max_examples=15,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    name=st.text(ODD, max_size=25).map(lambda text: f"odd{text}x"),
    password=st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1),
)
def test_any_name_and_password_go_through(site: Site, name: str, password: str) -> None:
    """Whatever Kubernetes and the server both let somebody write."""
    try_out(site, name, password.encode())


@pytest.mark.parametrize(
    "name",
    ["odd_" * 13 + "_", "odd ", "odd\0", "odd😀"],
    ids=["too long", "a space at its end", "NUL", "beyond U+FFFF"],
)
def test_a_name_that_the_server_cannot_have_is_an_obstacle(site: Site, name: str) -> None:
    """Said before anything is tried, and the others on the server are none the worse for it."""
    wanted, other = a_wanted(database=name, adopt=True), a_wanted()
    plots = site.survey(wanted, other).plots
    assert plots[other.database].obstacle() is None
    plot = plots[name]
    assert "choose another spec.name" in str(plot.obstacle())
    assert plot.steps(issued(wanted), {}) == ()


def test_the_servers_log_holds_no_password(site: Site) -> None:
    """It has every statement; passwords come as what the server stores of them."""
    secrets = [b"a-secret-of-its-creation", b"a-secret-of-a-rotation"]
    wanted = a_wanted()
    for secret in secrets:
        plot = site.look(wanted)
        site.carry_out(plot.steps(issued(wanted), {wanted.logins.a: SecretBytes(secret)}))
        site.log_in(wanted.logins.a, password=secret.decode()).close()
    assert site.look(wanted).standing is Standing.OURS
    data = site.server.data
    assert data
    log = Path(data / "general.log").read_bytes()
    assert wanted.logins.a.encode() in log
    assert not [secret for secret in secrets if secret in log]
