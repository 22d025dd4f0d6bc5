"""What can go wrong on a server, in our own words: no driver's text reaches a condition."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Kinds of failures, by what helps."""

    UNREACHABLE = "Unreachable"
    TIMED_OUT = "TimedOut"
    LOGIN_REFUSED = "LoginRefused"
    CERTIFICATE = "Certificate"
    READ_ONLY = "ReadOnly"
    FULL = "Full"
    """No room on the disk, or no connection left."""
    PRIVILEGE = "Privilege"
    CHANGED = "Changed"
    """What was looked up has changed meanwhile: look again."""
    STATEMENT = "Statement"

    @property
    def is_of_server(self) -> bool:
        """Tell whether every other statement would fail of the same."""
        return self in _OF_SERVER


_OF_SERVER = frozenset(
    {Fault.UNREACHABLE, Fault.LOGIN_REFUSED, Fault.CERTIFICATE, Fault.READ_ONLY, Fault.FULL}
)


class ServerFaultError(Exception):
    """A server did not do what it was asked. The text is ours and holds no value and no secret."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
