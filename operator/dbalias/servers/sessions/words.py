"""What is said of each fault: where, what, and what helps; a code, never a driver's text."""

from __future__ import annotations

from collections.abc import Mapping

from dbalias.servers.address import Address
from dbalias.servers.faults import Fault, ServerFaultError

_WORDS: Mapping[Fault, str] = {
    Fault.UNREACHABLE: "{where} ended the connection{code}: it may be starting, stopping or "
    "overloaded, or no server of {engine}; see its log",
    Fault.TIMED_OUT: "{where} gave no answer in time{code}: check whether it hangs, what it is "
    "busy with, and who holds locks there",
    Fault.LOGIN_REFUSED: "{where} refuses the login as {user}{code}: check user and password in "
    "the Secret, and from which hosts the server admits it",
    Fault.CERTIFICATE: "{where} and the operator do not agree on TLS{code}: check spec.tls, that "
    "the CA signed the server's certificate and, for verify-full, that it names this host",
    Fault.READ_ONLY: "{where} takes no writes{code}: it is a replica or was set read-only; name "
    "the primary in spec.host",
    Fault.FULL: "{where} has no room{code}: connections, memory or disk are used up; free some, "
    "or raise its limits",
    Fault.PRIVILEGE: "{where} does not let {user} do this{code}: grant the administrator of "
    "spec.adminCredentials what it lacks",
    Fault.CHANGED: "{where} was changed by somebody else meanwhile{code}: it is looked at again",
    Fault.IN_USE: "{where} drops no role that still owns something, or is granted something, "
    "elsewhere{code}: in each database where it does, say REASSIGN OWNED BY that role TO another "
    "one, and then DROP OWNED BY it, as a superuser or as a member of both",
    Fault.STATEMENT: "{where} refused a statement{code}: see the server's log",
}


def build_silence(address: Address) -> ServerFaultError:
    """Return that nobody logged in within the time for it."""
    return ServerFaultError(
        Fault.UNREACHABLE,
        f"logging in: {address} gave no answer in time: check that it is a server of "
        f"{address.engine}, whether it hangs, how busy it is, and network policies",
    )


def build_fault(
    fault: Fault, address: Address, *, code: str = "", says: str = ""
) -> ServerFaultError:
    """Return the fault in words; ``says`` is what was being done, as a log may hold it."""
    text = _WORDS[fault].format(
        where=address,
        user=address.user,
        engine=address.engine,
        code=f" (error {code})" if code else "",
    )
    return ServerFaultError(fault, f"{says}: {text}" if says else text)
