"""Verifiers are what libpq itself would make of the same password and salt."""

from __future__ import annotations

from base64 import b64decode

import pytest

from dbalias.api.secrets import SecretBytes
from dbalias.servers.scram import build_verifier, prepare


def test_a_verifier_is_that_of_the_specification() -> None:
    """The example of RFC 7677: user's password ``pencil``, its salt, 4,096 rounds."""
    salt = b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    assert build_verifier(SecretBytes(b"pencil"), salt=salt) == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_every_verifier_has_a_salt_of_its_own() -> None:
    """Two equal passwords are not to be seen as equal."""
    password = SecretBytes(b"pencil")
    assert build_verifier(password) != build_verifier(password)


@pytest.mark.parametrize(
    ("password", "prepared"),
    [
        ("pencil %s \t", "pencil %s \t"),
        ("I\u00adX", "IX"),
        ("\u00aa", "a"),
        ("a\u00a0b", "a b"),
        ("\u2168", "IX"),
        ("é\u0007", "é\u0007"),
        ("\u0627\u0031", "\u0627\u0031"),
        ("\u00ad", "\u00ad"),
        ("\u0378é", "\u0378é"),
    ],
    ids=[
        "ASCII is left as it is",
        "a soft hyphen is nothing",
        "an ordinal is its letter",
        "a no-break space is a space",
        "a numeral is its letters",
        "a control character keeps all as it is",
        "mixed directions keep all as it is",
        "what would be empty stays",
        "an unassigned character keeps all as it is",
    ],
)
def test_a_password_is_prepared_as_the_server_does_it(password: str, prepared: str) -> None:
    """SASLprep, and where it refuses the bytes themselves."""
    assert prepare(password.encode()) == prepared.encode()


def test_bytes_that_are_no_text_are_taken_as_they_are() -> None:
    """A given password may be anything."""
    assert prepare(b"\xff\xfe") == b"\xff\xfe"
