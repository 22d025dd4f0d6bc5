"""Making logins what they shall be: password, TLS, number of connections, privileges.

A login's rights in its own database are made exactly those of ``grants``. Rights elsewhere were
given by an administrator on purpose: the operator neither gives nor takes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dbalias.servers.mysql.found import User
from dbalias.servers.mysql.grants import OWNERS, READERS, in_words
from dbalias.servers.mysql.statements import account, compose, everything_in, password_hash
from dbalias.servers.plot import Step
from dbalias.servers.wanted import Wanted

_ANY_TLS = "ANY"


@dataclass(frozen=True, slots=True)
class LoginPlot:
    """One login of a wanted database; ``user`` as it was found, None where there is none."""

    wanted: Wanted
    login: str
    user: User | None

    def make(self, plugin: str, hashed: str) -> Step:
        """Return how the login is made, with what the plugin stores of its password."""
        return Step(f"make login {self.login}", (self._identify("CREATE USER", plugin, hashed),))

    def set_password(self, plugin: str, hashed: str) -> Step:
        """Return how the login gets another password, and lets in who has it."""
        says = f"set the password of login {self.login}"
        return Step(says, (self._identify("ALTER USER", plugin, hashed),))

    def repair(self) -> Iterator[Step]:
        """Yield what brings TLS and the number of connections back to what is declared."""
        found = self.user
        if found and (found.requires, found.connection_limit) != (self._requires(), self._limit()):
            says = f"let login {self.login} {self._terms()}"
            yield Step(says, (f"ALTER USER {account(self.login)} {self._options()}",))

    def grant(self) -> Iterator[Step]:
        """Yield what makes the login's privileges in the database the wanted ones."""
        database, login = self.wanted.database, self.login
        has = self.user.privileges if self.user else frozenset()
        places = (everything_in(database), account(login))
        wants = READERS if self._only_reads() else OWNERS
        if extra := in_words(has - wants):
            text = compose(f"REVOKE {extra} ON {{}} FROM {{}}", *places)
            yield Step(f"revoke {extra} in {database} from login {login}", (text,))
        if missing := in_words(wants - has):
            text = compose(f"GRANT {missing} ON {{}} TO {{}}", *places)
            yield Step(f"grant {missing} in {database} to login {login}", (text,))

    def _identify(self, verb: str, plugin: str, hashed: str) -> str:
        # A removal that was given up has locked it.
        text = f"{verb} {{}} IDENTIFIED WITH {plugin} AS {{}} {self._options()} ACCOUNT UNLOCK"
        return compose(text, account(self.login), password_hash(hashed))

    def _only_reads(self) -> bool:
        readers = self.wanted.readers
        return readers is not None and self.login in (readers.a, readers.b)

    def _requires(self) -> str:
        return _ANY_TLS if self.wanted.require_tls else ""

    def _limit(self) -> int:
        return self.wanted.spec.connection_limit or 0

    def _options(self) -> str:
        tls = "SSL" if self.wanted.require_tls else "NONE"
        return f"REQUIRE {tls} WITH MAX_USER_CONNECTIONS {self._limit()}"

    def _terms(self) -> str:
        tls = "only with TLS" if self.wanted.require_tls else "without TLS too"
        return f"in {tls}, {self._limit() or 'any number of'} connections at a time"
