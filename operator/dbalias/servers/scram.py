"""SCRAM-SHA-256 verifiers, computed here: PostgreSQL never sees a password, nor does its log.

RFC 5802 and 7677; the text is what ``pg_authid.rolpassword`` holds, which a server takes as it is.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import stringprep
import unicodedata
from base64 import b64encode

from dbalias.api.secrets import SecretBytes

_ITERATIONS = 4096
"""PostgreSQL's own default. Our passwords are random: more rounds would only slow each login."""
_SALT_LENGTH = 16
_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
    stringprep.in_table_a1,
)


def build_verifier(password: SecretBytes, *, salt: bytes | None = None) -> str:
    """Return ``SCRAM-SHA-256$iterations:salt$stored:server`` for a password in UTF-8."""
    salt = secrets.token_bytes(_SALT_LENGTH) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", prepare(password.reveal()), salt, _ITERATIONS)
    stored = hashlib.sha256(_keyed(salted, b"Client Key")).digest()
    keys = f"{_text(stored)}:{_text(_keyed(salted, b'Server Key'))}"
    return f"SCRAM-SHA-256${_ITERATIONS}:{_text(salt)}${keys}"


def prepare(password: bytes) -> bytes:
    """Return a password as SASLprep leaves it (RFC 4013).

    What it prohibits, and what is no UTF-8, is taken as it is: so do the server and libpq.
    """
    try:
        text = password.decode()
    except UnicodeDecodeError:
        return password
    if text.isascii():
        return password
    mapped = "".join(
        " " if stringprep.in_table_c12(one) else one
        for one in text
        if stringprep.in_table_c12(one) or not stringprep.in_table_b1(one)
    )
    if not mapped or _is_prohibited(mapped):
        return password
    return unicodedata.normalize("NFKC", mapped).encode()


def _is_prohibited(text: str) -> bool:
    """Tell what SASLprep refuses; PostgreSQL looks before it normalises, and so must we."""
    if any(table(one) for one in text for table in _PROHIBITED):
        return True
    if not any(map(stringprep.in_table_d1, text)):
        return False
    ends = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    return any(map(stringprep.in_table_d2, text)) or not ends


def _keyed(salted: bytes, purpose: bytes) -> bytes:
    return hmac.digest(salted, purpose, "sha256")


def _text(value: bytes) -> str:
    return b64encode(value).decode()
