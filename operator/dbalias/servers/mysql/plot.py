"""One wanted database on MySQL or MariaDB: whose it is, what it lacks, how it is dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from dbalias.api.digest import digest
from dbalias.api.secrets import SecretBytes
from dbalias.servers.marks import Mark
from dbalias.servers.mysql import charsets, limits
from dbalias.servers.mysql.claims import Claim, LoginClaim, State
from dbalias.servers.mysql.flavour import Flavour
from dbalias.servers.mysql.found import Found
from dbalias.servers.mysql.logins import LoginPlot
from dbalias.servers.mysql.statements import account, identifier
from dbalias.servers.plot import Cause, Obstacle, Standing, Step
from dbalias.servers.wanted import Wanted

_UNCLAIMED = "unclaimed"
_NEWS = {State.CREATED: "is new and empty", State.FILLED: "holds something"}


@dataclass(frozen=True, slots=True)
class MySQLPlot:
    """See ``Plot``. What was claimed and is ``created`` there is ours, and so are its logins.

    A database of which the claim only says ``creating`` is ours if it is empty: its maker crashed
    before he could say so, or somebody else made it, and then nothing is lost.
    """

    flavour: Flavour
    wanted: Wanted
    found: Found

    @property
    def standing(self) -> Standing:
        """Whose it is."""
        if self._foreign_mark() is not None:
            return Standing.ANOTHERS
        claim, schema = self.found.claim, self.found.schema
        if claim and self._is_proven(claim):
            return Standing.OURS
        if schema or self._strangers():
            return Standing.UNMARKED
        return Standing.CLAIMED if claim else Standing.ABSENT

    @property
    def holder(self) -> Mark | None:
        """The mark of whoever holds the database or one of its logins."""
        return self._foreign_mark() or (self.found.claim.mark if self.found.claim else None)

    @property
    def incarnation(self) -> str | None:
        """Written in the claim; another one where a database that held something is empty."""
        if self.found.schema is None:
            return None
        claim = self.found.claim
        if claim is None:
            return _UNCLAIMED
        return (self._claim() if self._is_proven(claim) else claim).incarnation

    @property
    def logins(self) -> frozenset[str]:
        """Those of the wanted logins that exist."""
        return frozenset(login for login in wanted_logins(self.wanted) if login in self.found.users)

    @property
    def former(self) -> frozenset[str]:
        """Readers of before that are to go; one stays that has rights in another database."""
        wanted = wanted_logins(self.wanted)
        return frozenset(
            one.login
            for one in self.found.login_claims
            if one.login not in wanted
            and one.mark.is_same_owner(self.wanted.mark)
            and self._is_ours_to_drop(one)
            and not self.found.users[one.login].reaches
        )

    @property
    def unseen(self) -> str | None:
        """Nothing: what a survey reads here is all there is."""
        return None

    def obstacle(self) -> Obstacle | None:
        """Return what forbids to go on although the standing allows it."""
        return limits.obstacle(self.wanted, self.flavour) or next(self._obstacles(), None)

    def differences(self, logins: frozenset[str]) -> tuple[str, ...]:
        """Return in words what ``steps`` would change, and what it would if it might adopt."""
        return tuple(step.says for step in self._changes(logins, frozenset(), lambda _: "*"))

    def steps(
        self, logins: frozenset[str], passwords: Mapping[str, SecretBytes]
    ) -> tuple[Step, ...]:
        """Return what is to be done, in order; nothing where the database is not ours to touch."""
        if not self._may_go_on():
            return ()

        def hashed(login: str) -> str:
            return self.flavour.hash_password(passwords[login])

        return tuple(self._changes(logins, frozenset(passwords), hashed))

    def removal(self) -> tuple[Step, ...]:
        """Return how to drop what this alias made: sessions, database, logins, claims.

        The logins are locked first, so that no session begins anew, and dropped after the
        database: MySQL refuses to drop whoever defined a view or a trigger that is there.
        """
        claim = self.found.claim
        if claim is None or not claim.mark.is_same_owner(self.wanted.mark):
            return ()
        own = [one for one in self.found.login_claims if one.mark.is_same_owner(claim.mark)]
        return tuple(self._removal(claim, own))

    def _removal(self, claim: Claim, own: list[LoginClaim]) -> Iterator[Step]:
        users = [one.login for one in own if self._is_ours_to_drop(one)]
        name = self.wanted.database
        for login in users:
            yield Step(f"lock login {login}", (f"ALTER USER {account(login)} ACCOUNT LOCK",))
        for login in users:
            for connection in self.found.users[login].connections:
                says = f"end connection {connection} of login {login}"
                yield Step(says, (f"KILL {connection}",), may_fail=True)
        if self._is_proven(claim) and not claim.mark.adopted:
            drop = f"DROP DATABASE IF EXISTS {identifier(name)}"
            yield Step(f"drop database {name}", (drop,))
        for login in users:
            yield Step(f"drop login {login}", (f"DROP USER IF EXISTS {account(login)}",))
        claims = (*(one.drop() for one in own), claim.drop())
        yield Step(f"give up the claim on database {name}", claims)

    def _is_proven(self, claim: Claim) -> bool:
        schema = self.found.schema
        return schema is not None and (claim.is_created or schema.is_empty)

    def _is_ours_to_drop(self, claim: LoginClaim) -> bool:
        return claim.login in self.found.users and not claim.mark.adopted

    def _changes(
        self, logins: frozenset[str], reset: frozenset[str], hashed: Callable[[str], str]
    ) -> Iterator[Step]:
        mine = [login for login in wanted_logins(self.wanted) if login in logins]
        yield from self._claiming(mine)
        yield from self._database()
        for login in mine:
            plot = LoginPlot(self.wanted, login, self.found.users.get(login))
            if plot.user is None:
                yield plot.make(self.flavour.plugin, hashed(login))
            elif login in reset:
                yield plot.set_password(self.flavour.plugin, hashed(login))
            else:
                yield from plot.repair()
            yield from plot.grant()
        for login in sorted(self.former):
            yield Step(f"drop login {login}", (f"DROP USER IF EXISTS {account(login)}",))
            gone = LoginClaim(login, self.wanted.mark).drop()
            yield Step(f"give up the claim on login {login}", (gone,))

    def _claiming(self, logins: list[str]) -> Iterator[Step]:
        old, new = self.found.claim, self._claim()
        is_ours = old is not None and self._is_proven(old)
        known = {one.login for one in self.found.login_claims}
        missing = [self._login_claim(login) for login in logins if login not in known]
        texts = [] if is_ours or new == old else [new.renew() if old else new.write()]
        texts += [one.write() for one in missing]
        if texts:
            verb = "take over" if new.mark.adopted and not is_ours else "claim"
            what = ", ".join(
                [f"database {new.database}", *(f"login {one.login}" for one in missing)]
            )
            yield Step(f"{verb} {what} for {self.wanted.mark}", tuple(texts))
        if is_ours and new != old:
            yield Step(f"note that database {new.database} {_NEWS[new.state]}", (new.renew(),))

    def _claim(self) -> Claim:
        """Return what the claim shall say before anything is made.

        Neither server tells when a database was made. An empty one that held something was made
        again, or emptied: what ran in it before counts no more.
        """
        old, schema, mark = self.found.claim, self.found.schema, self.wanted.mark
        fresh = digest(f"{self.found.seed} {self.wanted.database}")
        if schema is None:
            is_begun = old is not None and not old.is_created
            return old if old and is_begun else Claim(self.wanted.database, mark, fresh)
        if old is None or not self._is_proven(old):
            taken = Claim(self.wanted.database, replace(mark, adopted=True), fresh)
            return taken.seen(is_empty=schema.is_empty)
        if schema.is_empty and old.state is State.FILLED:
            old = replace(old, incarnation=fresh)
        return old.seen(is_empty=schema.is_empty)

    def _login_claim(self, login: str) -> LoginClaim:
        is_there = login in self.found.users
        return LoginClaim(login, replace(self.wanted.mark, adopted=is_there))

    def _database(self) -> Iterator[Step]:
        spec, schema, claim = self.wanted.spec, self.found.schema, self._claim()
        name = self.wanted.database
        clause = charsets.clause(spec, is_made=not claim.mark.adopted)
        if schema is None:
            text = f"CREATE DATABASE {identifier(name)} {clause}"
            yield Step(f"create database {name}", (text,))
            yield Step(f"note that database {name} is made", (claim.seen(is_empty=True).renew(),))
        elif charsets.differs(spec, schema, is_made=not claim.mark.adopted):
            says = f"change what new tables of {name} have to {clause}"
            yield Step(says, (f"ALTER DATABASE {identifier(name)} {clause}",))

    def _may_go_on(self) -> bool:
        if self.obstacle():
            return False
        adopts = self.standing is Standing.UNMARKED and self.wanted.adopt
        return adopts or self.standing in {Standing.ABSENT, Standing.CLAIMED, Standing.OURS}

    def _foreign_mark(self) -> Mark | None:
        """Return the mark of another who holds the database or a login wanted for it."""
        marks = [one.mark for one in self.found.login_claims]
        if self.found.claim:
            marks.insert(0, self.found.claim.mark)
        return next((one for one in marks if not one.is_same_owner(self.wanted.mark)), None)

    def _strangers(self) -> list[str]:
        """Return the logins of wanted names that somebody made by hand."""
        return sorted(self.logins - {one.login for one in self.found.login_claims})

    def _obstacles(self) -> Iterator[Obstacle]:
        """Yield which logins made by hand are in the way.

        One that works in this database and in no other, as after a loss of the claims, may be
        adopted. Any other would bring along what an administrator gave it, which goes unseen.
        """
        for login in self._strangers():
            user = self.found.users[login]
            if user.reaches or not user.privileges:
                remedy = "drop or rename it"
            elif self.wanted.adopt:
                continue
            else:
                remedy = "drop or rename it, or set provision.adopt to take it over"
            text = f"login {login} exists and is not claimed by this alias: {remedy}"
            yield Obstacle(Cause.ROLE, text)


def wanted_logins(wanted: Wanted) -> list[str]:
    """Return the names of all logins that may exist for a wanted database."""
    pairs = [wanted.logins, *([wanted.readers] if wanted.readers else [])]
    return [login for pair in pairs for login in (pair.a, pair.b)]
