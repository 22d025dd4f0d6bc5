"""Random lives of one alias' logins: passes that are killed anywhere, and people who meddle."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dbalias.api.meta import JSON
from dbalias.api.ownership import CHECKSUM, PUBLISHED_LOGIN
from dbalias.api.secrets import SecretBytes
from dbalias.api.server import ServerEngine
from dbalias.servers.bindings import (
    Found,
    Intact,
    Issued,
    Place,
    build_binding,
    read_binding,
)
from dbalias.servers.marks import Mark
from dbalias.servers.rotation import (
    Decision,
    Logins,
    Restore,
    Rotate,
    Why,
    Wishes,
    decide,
    is_settled,
)
from dbalias.servers.wanted import Pair
from unit.servers.stored import stored

PAIR = Pair("x_a", "x_b")
MARK = Mark("one", "shop", "x")
PLACE = Place(ServerEngine.POSTGRESQL, "db", "x")
REPAIRS = (Why.FIRST, Why.LOST, Why.EDITED)
Effect = Callable[[], None]


class Lives(RuleBasedStateMachine):
    """A server, a Secret and a status; ``workloads`` is the login that they were started with."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.fresh = count()
        self.server: dict[str, SecretBytes] = {}
        self.secret: JSON | None = None
        self.reported: str | None = None
        self.settled: str | None = None
        self.request: str | None = None
        self.given: SecretBytes | None = None
        self.written: list[Issued] = []
        self.under_way = False
        self.workloads: Issued | None = None
        self.meddled: set[str] = set()
        """Logins that a person dropped or changed, and that no pass has made good yet."""

    @rule(kill_after=st.integers(0, 3))
    def killed_pass(self, kill_after: int) -> None:
        """The operator dies after so many of its effects."""
        self.carry_out(kill_after)

    @rule()
    def whole_pass(self) -> None:
        """Whatever came before, one pass mends the Secret and its login."""
        self.carry_out(3)
        found = self.found()
        assert isinstance(found, Intact)
        assert self.server[found.issued.login] == found.issued.password

    def carry_out(self, many: int) -> None:
        """Decide as a pass does, hold the decision against what is promised, and do it."""
        found = self.found()
        refused = isinstance(found, Intact) and found.issued.login in self.meddled
        existing = frozenset(self.server)
        logins = Logins(PAIR, existing, found, self.reported, disagrees=refused)
        has = found.issued.login if isinstance(found, Intact) else None
        settled = is_settled(has, settled_login=self.settled, has_project=True)
        wishes = Wishes(settled, self.given, timedelta(days=30), self.request)
        decision = decide(logins, wishes, now=self.now)
        if isinstance(decision, Rotate) and self.written:
            self.check(decision)
        for effect, _ in zip(self.effects(decision), range(many), strict=False):
            effect()

    def check(self, rotation: Rotate) -> None:
        """A rotation leaves the published login alone, and the workloads' where it may wait."""
        known = self.reported == self.written[-1].login or self.secret is not None
        # What was published a moment before the operator died, and lost before it came back, is
        # known to nobody.
        if known:
            assert rotation.login != self.written[-1].login
        if rotation.why not in REPAIRS:
            assert self.workloads is not None
            assert rotation.login != self.workloads.login

    def effects(self, decision: Decision) -> Iterator[Effect]:
        """Yield what a pass does, in its order: SQL, Secret, status."""
        login = self.reported
        if isinstance(decision, Restore):
            issued = decision.issued
            yield lambda: self.set_password(issued.login, issued.password)
        if isinstance(decision, Rotate):
            password = self.given or SecretBytes(f"password {next(self.fresh)}".encode())
            login = decision.login
            new = Issued(login, password, self.now, decision.request)
            self.under_way = True
            yield lambda: self.set_password(new.login, password)
            yield lambda: self.write(new)
        elif isinstance(found := self.found(), Intact):
            login = found.issued.login
        yield lambda: setattr(self, "reported", login)

    def set_password(self, login: str, password: SecretBytes) -> None:
        """The server's part."""
        self.server[login] = password
        self.meddled.discard(login)

    def write(self, issued: Issued) -> None:
        """The Secret's part."""
        self.secret = stored(build_binding(PLACE, issued, MARK))
        self.written.append(issued)
        self.under_way = False

    @precondition(lambda self: isinstance(self.found(), Intact))
    @rule()
    def roll_out(self) -> None:
        """The project publishes what the Secret says, and all workloads are restarted with it."""
        found = self.found()
        assert isinstance(found, Intact)
        self.workloads = found.issued
        self.settled = found.issued.login

    @rule(days=st.integers(1, 40))
    def wait(self, days: int) -> None:
        """Time goes by."""
        self.now += timedelta(days=days)

    @rule()
    def ask(self) -> None:
        """A person asks for a rotation."""
        self.request = f"request {next(self.fresh)}"

    @rule(known=st.booleans())
    def give(self, known: bool) -> None:
        """A person gives a password, or takes it back."""
        self.given = SecretBytes(f"given {next(self.fresh)}".encode()) if known else None

    @rule()
    def lose_secret(self) -> None:
        """Somebody deletes the Secret."""
        self.secret = None

    @precondition(lambda self: self.secret is not None)
    @rule(key=st.sampled_from(["username", "password"]), bare=st.booleans())
    def edit_secret(self, key: str, bare: bool) -> None:
        """Somebody edits the Secret, and perhaps its annotations too."""
        assert self.secret is not None
        self.secret["data"][key] = base64.b64encode(b"mine").decode()
        if bare and self.reported == self.written[-1].login:
            self.secret["metadata"]["annotations"].pop(CHECKSUM, None)
            self.secret["metadata"]["annotations"].pop(PUBLISHED_LOGIN, None)

    @precondition(lambda self: self.server)
    @rule(data=st.data(), dropped=st.booleans())
    def meddle(self, data: st.DataObject, dropped: bool) -> None:
        """An administrator drops a login, or sets its password."""
        login = data.draw(st.sampled_from(sorted(self.server)))
        self.meddled.add(login)
        if dropped:
            del self.server[login]
        else:
            self.server[login] = SecretBytes(f"theirs {next(self.fresh)}".encode())

    def found(self) -> Found:
        """Return what the Secret is to us."""
        return read_binding(self.secret, MARK, ServerEngine.POSTGRESQL)

    @invariant()
    def secret_always_opens_the_database(self) -> None:
        """Its login has the password it was written with, unless a person changed that."""
        found = self.found()
        if isinstance(found, Intact) and found.issued.login not in self.meddled:
            assert self.server[found.issued.login] == found.issued.password

    @invariant()
    def login_before_stays_until_the_next_rotation(self) -> None:
        """Whoever has not heard of the last rotation goes on."""
        if len(self.written) > 1 and not self.under_way:
            before, last = self.written[-2:]
            if before.login not in self.meddled and before.login != last.login:
                assert self.server[before.login] == before.password

    @invariant()
    def no_login_is_left_over(self) -> None:
        """However often a pass is killed."""
        assert self.server.keys() <= {PAIR.a, PAIR.b}


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=150, stateful_step_count=40)
