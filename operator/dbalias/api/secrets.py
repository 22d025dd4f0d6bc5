"""A value that must never be shown: the type that keeps secrets out of everything public."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final, NoReturn, final


@final
class SecretBytes:
    """Bytes of a Secret. Only ``reveal`` hands them out; repr, str and format never do.

    Renderers of ConfigMaps, conditions, events and logs take no argument of this type. It is no
    dataclass, so that ``asdict`` of what holds it does not take it apart, and it cannot be
    pickled.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value: Final = value

    def reveal(self) -> bytes:
        """Return the bytes, for writing into a Secret and nowhere else."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretBytes) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "SecretBytes(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __copy__(self) -> SecretBytes:
        return self

    def __deepcopy__(self, memo: object) -> SecretBytes:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a SecretBytes is not to be pickled")


def fingerprint(salt: str, data: Mapping[str, SecretBytes]) -> str:
    """Return 10 characters that change with the data; without the salt they cannot be guessed."""
    mac = hmac.new(salt.encode(), digestmod=hashlib.sha256)
    for name in sorted(data):
        value = data[name].reveal()
        mac.update(f"{name}\0{len(value)}\0".encode() + value)
    return mac.hexdigest()[:10]
