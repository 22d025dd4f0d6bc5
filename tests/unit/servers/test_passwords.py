"""Passwords as they are generated and given."""

from __future__ import annotations

import math
import string
from urllib.parse import quote

import pytest

from dbalias.api.provision import Charset, PasswordRule
from dbalias.api.secrets import SecretBytes
from dbalias.servers.passwords import fault_of, generate

DRAWN = 400
WIDTHS = {Charset.ALPHANUMERIC: 62, Charset.URL_SAFE: 66, Charset.PRINTABLE: 94}


def drawn(charset: Charset, length: int = 16) -> list[str]:
    """Return passwords of a charset."""
    rule = PasswordRule(length=length, charset=charset)
    return [generate(rule).reveal().decode() for _ in range(DRAWN)]


@pytest.mark.parametrize("charset", list(Charset))
@pytest.mark.parametrize("length", [16, 128])
def test_generated_passwords_have_the_length_and_never_come_again(
    charset: Charset, length: int
) -> None:
    """Whatever is thrown away on the way."""
    passwords = drawn(charset, length)
    assert {len(one) for one in passwords} == {length}
    assert len(set(passwords)) == DRAWN


@pytest.mark.parametrize("charset", list(Charset))
def test_generated_passwords_use_every_character_and_no_other(charset: Charset) -> None:
    """Every one that can be seen in ASCII for Printable, and never the space."""
    used = set("".join(drawn(charset, 128)))
    assert len(used) == WIDTHS[charset]
    assert used <= set(string.printable) - set(string.whitespace)


@pytest.mark.parametrize("charset", list(Charset))
def test_generated_passwords_satisfy_a_policy_of_the_server(charset: Charset) -> None:
    """Such as MySQL's validate_password, which demands each class."""
    symbols = set(string.punctuation)
    for one in drawn(charset):
        assert set(one) & set(string.ascii_lowercase)
        assert set(one) & set(string.ascii_uppercase)
        assert set(one) & set(string.digits)
        assert bool(set(one) & symbols) is (charset is not Charset.ALPHANUMERIC)


def test_url_safe_passwords_look_the_same_in_a_url() -> None:
    """Nothing of them is ever percent-encoded."""
    assert all(quote(one, safe="") == one for one in drawn(Charset.URL_SAFE))


def test_shortest_password_has_the_entropy_that_is_documented() -> None:
    """Of all 62 ** 16 those are left that have each class: inclusion and exclusion count them."""
    classes = (26, 26, 10)
    total = sum(classes)
    lacking = sum((total - one) ** 16 for one in classes) - sum(one**16 for one in classes)
    assert 94.9 < math.log2(total**16 - lacking) < 95.3


@pytest.mark.parametrize("value", ["x", "pä'ss\"\\ %s; --", "🙂" * 128, " with spaces "])
def test_given_password_may_hold_whatever_a_person_types(value: str) -> None:
    """Quoting is ours to do."""
    assert fault_of(SecretBytes(value.encode())) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"", "is empty"),
        (b"pass\n", "line break"),
        (b"pa\0ss", "control character"),
        (b"\xff", "no UTF-8"),
        (b"x" * 513, "longer than 512 bytes"),
    ],
)
def test_given_password_that_cannot_be_one_is_told_with_the_remedy(value: bytes, said: str) -> None:
    """And without the password."""
    fault = fault_of(SecretBytes(value)) or ""
    assert said in fault
    assert ": store" in fault
    assert "ss" not in fault.replace("password", "")
