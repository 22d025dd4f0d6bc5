"""What servers store of passwords, against what other programs compute."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbalias.servers.password_hashes import hash_caching_sha2_password, hash_native_password


def test_a_native_hash_is_what_password_returns() -> None:
    """The manual's own example of SELECT PASSWORD('mypass')."""
    assert hash_native_password(b"mypass") == "*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4"


@pytest.mark.parametrize(
    ("salt", "password", "stored"),
    [
        ("saltstring", "Hello world!", "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
        ("toolongsaltstrin", "This is just a test", "Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5"),
    ],
)
def test_a_caching_sha2_hash_is_that_of_sha256_crypt(salt: str, password: str, stored: str) -> None:
    """The C library's own answers for `$5$salt`, in MySQL's spelling of rounds and salt."""
    found = hash_caching_sha2_password(password.encode(), salt.encode())
    assert found == f"$A$005${salt}{stored}"


@given(st.binary(max_size=256))
def test_a_hash_is_plain_text_of_one_length(password: bytes) -> None:
    """It goes into a statement between quotes, whatever the password holds."""
    assert re.fullmatch(
        r"\$A\$005\$[A-Za-z0-9]{20}[./A-Za-z0-9]{43}", hash_caching_sha2_password(password)
    )
    assert re.fullmatch(r"\*[0-9A-F]{40}", hash_native_password(password))


def test_no_two_hashes_of_a_password_are_alike() -> None:
    """Each has a salt of its own."""
    assert hash_caching_sha2_password(b"same") != hash_caching_sha2_password(b"same")
