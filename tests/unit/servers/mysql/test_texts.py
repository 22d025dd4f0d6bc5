"""Quoting, patterns, charsets and versions: the small parts of what is said to a server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbalias.api.provision import DatabaseSpec
from dbalias.servers.mysql import charsets
from dbalias.servers.mysql.flavour import read_flavour
from dbalias.servers.mysql.found import Schema
from dbalias.servers.mysql.statements import grant_pattern, identifier, literal, password_hash


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_quoted_name_ends_where_it_should(name: str) -> None:
    """Between the outer backticks there are only doubled ones."""
    quoted = identifier(name)
    assert quoted[0] == quoted[-1] == "`"
    assert quoted[1:-1].replace("``", "").count("`") == 0
    assert quoted[1:-1].replace("``", "`") == name


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_literal_is_hexadecimal(text: str) -> None:
    """Whatever sql_mode says of quotes and backslashes."""
    start, value, end = literal(text).split("'")
    assert (start, end) == ("_utf8mb4 x", "")
    assert bytes.fromhex(value).decode() == text


def test_a_name_with_nul_is_refused() -> None:
    """A server would read half of it."""
    with pytest.raises(ValueError, match="NUL"):
        identifier("a\0b")


@pytest.mark.parametrize("text", ["", "a'b", "a b", "a\\b"])
def test_only_a_hash_is_quoted_as_one(text: str) -> None:
    """It is the one value that stands between plain quotes."""
    with pytest.raises(ValueError, match="hash"):
        password_hash(text)


def test_wildcards_are_escaped_in_a_grant() -> None:
    """Underscore, percent, and the escape itself."""
    assert grant_pattern(r"a_b%c\d") == r"a\_b\%c\\d"


@pytest.mark.parametrize(
    ("answer", "version", "plugin"),
    [
        ("10.11.19-MariaDB-0+deb12u1", "MariaDB 10.11.19", "mysql_native_password"),
        ("5.5.5-10.6.12-MariaDB", "MariaDB 10.6.12", "mysql_native_password"),
        ("8.0.35-27", "MySQL 8.0.35", "caching_sha2_password"),
        ("9.7.4-2", "MySQL 9.7.4", "caching_sha2_password"),
        ("5.7.44-log", "MySQL 5.7.44", "mysql_native_password"),
        ("unheard-of", "MySQL 0", "mysql_native_password"),
    ],
)
def test_the_flavour_is_what_the_server_says(answer: str, version: str, plugin: str) -> None:
    """Not what a DatabaseServer declares."""
    found = read_flavour(answer, 0)
    assert (found.version, found.plugin) == (version, plugin)


@pytest.mark.parametrize(
    ("charset", "collation", "found", "differs"),
    [
        (None, None, ("utf8mb4", "utf8mb4_0900_ai_ci"), False),
        (None, None, ("latin1", "latin1_swedish_ci"), True),
        ("utf8", None, ("utf8mb3", "utf8mb3_general_ci"), False),
        ("UTF8MB4", None, ("utf8mb4", "utf8mb4_general_ci"), False),
        ("utf8", "utf8_bin", ("utf8mb3", "utf8mb3_bin"), False),
        (None, "uca1400_ai_ci", ("utf8mb4", "utf8mb4_uca1400_ai_ci"), False),
        (None, "utf8mb4_bin", ("utf8mb4", "utf8mb4_general_ci"), True),
        ("latin1", "latin1_bin", ("latin1", "latin1_bin"), False),
    ],
)
def test_a_charset_differs_only_where_it_does(
    charset: str | None, collation: str | None, found: tuple[str, str], differs: bool
) -> None:
    """A name that the server spells otherwise would be changed at every pass."""
    spec = DatabaseSpec(charset=charset, collation=collation)
    assert charsets.differs(spec, Schema(*found), is_made=True) is differs


def test_an_adopted_databases_charset_is_its_own() -> None:
    """Unless one is declared."""
    latin1 = Schema("latin1", "latin1_swedish_ci")
    assert not charsets.differs(DatabaseSpec(), latin1, is_made=False)
    assert charsets.differs(DatabaseSpec(charset="utf8mb4"), latin1, is_made=False)
