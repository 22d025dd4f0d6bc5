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
    IN_USE = "InUse"
    """A role that is to be dropped has something elsewhere on the server."""
    STATEMENT = "Statement"


_OF_THE_WAY = frozenset({Fault.UNREACHABLE, Fault.CERTIFICATE})
_OF_SERVER = _OF_THE_WAY | {Fault.LOGIN_REFUSED, Fault.READ_ONLY, Fault.FULL}


class ServerFaultError(Exception):
    """A server did not do what it was asked. The text is ours and holds no value and no secret.

    ``is_of_server``: every other call would fail of the same, whichever database it is about.
    """

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault
        self.is_of_server = fault in _OF_SERVER

    def keep_to_database(self) -> None:
        """Say that it happened in one database, or to one login: a limit may be its own."""
        self.is_of_server = self.fault in _OF_THE_WAY
