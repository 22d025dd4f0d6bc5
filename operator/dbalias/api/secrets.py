"""A value that must never be shown: the type that keeps secrets out of everything public."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class SecretBytes:
    """Bytes of a Secret. Only ``reveal`` hands them out; repr, str and format never do.

    Renderers of ConfigMaps, conditions, events and logs take no argument of this type.
    """

    _value: bytes

    def reveal(self) -> bytes:
        """Return the bytes, for writing into a Secret and nowhere else."""
        return self._value

    def __repr__(self) -> str:
        return "SecretBytes(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)
