"""What MySQL and MariaDB store of a password, computed here: a statement's log never holds one.

``mysql_native_password`` stores SHA-1 of SHA-1. ``caching_sha2_password`` stores Drepper's
SHA-256 crypt ("Unix crypt using SHA-256 and SHA-512", version 0.6, steps 1 to 22) with a salt of
20 bytes, where crypt itself stops at 16, and the rounds in thousands, in hexadecimal.
"""

from __future__ import annotations

import hashlib
import secrets
import string
from itertools import chain

_SALT_LENGTH = 20
_THOUSANDS_OF_ROUNDS = 5
_ALPHABET = "./" + string.digits + string.ascii_uppercase + string.ascii_lowercase
_SALT_ALPHABET = string.ascii_letters + string.digits
_ORDER = [
    (0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14),
    (15, 25, 5), (6, 16, 26), (27, 7, 17), (18, 28, 8), (9, 19, 29),
]  # fmt: skip


def hash_native_password(password: bytes) -> str:
    """Return what ``mysql_native_password`` stores."""
    once = hashlib.sha1(password, usedforsecurity=False).digest()
    return "*" + hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()


def hash_caching_sha2_password(password: bytes, salt: bytes | None = None) -> str:
    """Return what ``caching_sha2_password`` stores: printable ASCII without quotes."""
    salt = salt or "".join(secrets.choice(_SALT_ALPHABET) for _ in range(_SALT_LENGTH)).encode()
    digest = _sha256_crypt(password, salt, _THOUSANDS_OF_ROUNDS * 1000)
    return f"$A${_THOUSANDS_OF_ROUNDS:03X}${salt.decode('ascii')}{_in_base64(digest)}"


def _sha256_crypt(password: bytes, salt: bytes, rounds: int) -> bytes:
    sha = hashlib.sha256
    digest = _first_digest(password, salt)
    p = _repeated(sha(password * len(password)).digest(), len(password))
    s = _repeated(sha(salt * (16 + digest[0])).digest(), len(salt))
    for turn in range(rounds):
        digest = sha(
            (p if turn % 2 else digest)
            + (s if turn % 3 else b"")
            + (p if turn % 7 else b"")
            + (digest if turn % 2 else p)
        ).digest()
    return digest


def _first_digest(password: bytes, salt: bytes) -> bytes:
    middle = hashlib.sha256(password + salt + password).digest()
    mixed = hashlib.sha256(password + salt + _repeated(middle, len(password)))
    bits = len(password)
    while bits:
        mixed.update(middle if bits & 1 else password)
        bits >>= 1
    return mixed.digest()


def _repeated(block: bytes, length: int) -> bytes:
    return (block * (length // len(block) + 1))[:length]


def _in_base64(digest: bytes) -> str:
    """Return crypt's own base 64: 24 bits at a time in its order, the lowest six first."""
    triples = [(digest[a] << 16) | (digest[b] << 8) | digest[c] for a, b, c in _ORDER]
    groups = chain(((value, 4) for value in triples), [((digest[31] << 8) | digest[30], 3)])
    return "".join(
        _ALPHABET[(value >> (6 * place)) & 0x3F]
        for value, places in groups
        for place in range(places)
    )
