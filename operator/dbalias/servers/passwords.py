"""Passwords: generated as an alias asks for, or given by a person, who may give what cannot be.

The least that can be asked for, 16 letters and digits, has 95 bits; the default, 32 of them, 190.
"""

from __future__ import annotations

import secrets
import string

from dbalias.api.provision import Charset, PasswordRule
from dbalias.api.secrets import SecretBytes

_CLASSES = {
    Charset.ALPHANUMERIC: (string.ascii_lowercase, string.ascii_uppercase, string.digits),
    Charset.URL_SAFE: (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-._~"),
    Charset.PRINTABLE: (
        string.ascii_lowercase,
        string.ascii_uppercase,
        string.digits,
        string.punctuation,
    ),
}
"""URLSafe are those that RFC 3986 never encodes; Printable has all of ASCII but the space."""

_LONGEST_GIVEN = 512
"""Bytes; beyond it lie limits that differ between servers, drivers and poolers."""


def generate(rule: PasswordRule) -> SecretBytes:
    """Return a fresh password that has a character of every class of its charset.

    Servers may demand each class. Whole drawings are thrown away until one has them all, so that
    those which are left are equally likely.
    """
    classes = _CLASSES[rule.charset]
    characters = "".join(classes)
    while True:
        drawn = "".join(secrets.choice(characters) for _ in range(rule.length))
        if all(set(drawn) & set(one) for one in classes):
            return SecretBytes(drawn.encode())


def fault_of(given: SecretBytes) -> str | None:
    """Return why a given password cannot be one, with the remedy; None for one that can."""
    value = given.reveal()
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return "is no UTF-8: store text"
    if not text:
        return "is empty: store a password"
    if any(ord(one) < 0x20 or one == "\x7f" for one in text):
        return "holds a line break or another control character: store it without (printf, no echo)"
    if len(value) > _LONGEST_GIVEN:
        return f"is longer than {_LONGEST_GIVEN} bytes: store a shorter one"
    return None
