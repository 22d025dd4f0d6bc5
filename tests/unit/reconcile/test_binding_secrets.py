"""Binding Secrets are read seldom and seen soon, on a clock of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from dbalias.api.meta import JSON, Key
from dbalias.reconcile.binding_secrets import PACE, RECENT, BindingSecrets
from dbalias.reconcile.poll import UNREAD, USUAL, Place, version_of
from dbalias.reconcile.ports import Resource, UnreadableError
from integration.operator.objects import secret
from unit.clocks import now, play
from unit.reconcile.fake import FakeCluster

SHOP, SPACE, NAME = Key("a", "shop"), "a", "users-binding"
PLACE = (Resource.SECRETS, SPACE, NAME)


@dataclass(slots=True)
class Slow(FakeCluster):
    """Counts its answers; each Secret is looked up at once and told of a while later."""

    answers: list[tuple[float, str]] = field(default_factory=list)
    delay: float = 0.0

    async def get(self, resource: Resource, namespace: str | None, name: str) -> JSON | None:
        """Return what there was when it was asked for."""
        self.answers.append((now(), name))
        # Not super(): a dataclass with slots is another class than the one written here.
        found = await FakeCluster.get(self, resource, namespace, name)
        await asyncio.sleep(self.delay)
        return found


@dataclass(slots=True)
class Looking:
    """What is known of binding Secrets, and when a project was told that one has changed."""

    cluster: Slow = field(default_factory=Slow)
    told: list[tuple[float, Key]] = field(default_factory=list)

    def put(self, password: str, name: str = NAME) -> str | None:
        """Store a Secret as somebody else would; return its version."""
        return version_of(self.cluster.put(Resource.SECRETS, SPACE, a_secret(password, name)))

    def drop(self) -> None:
        """Delete the Secret as somebody else would."""
        del self.cluster.objects[PLACE]

    def during(self, script: Callable[[BindingSecrets], Awaitable[None]]) -> None:
        """Play a script while they are looked at."""

        async def run() -> None:
            changed = lambda key: self.told.append((now(), key))  # noqa: E731
            secrets = BindingSecrets(self.cluster, changed)
            running = asyncio.create_task(secrets.run())
            await script(secrets)
            assert not running.done()
            running.cancel()

        play(run())


def a_secret(password: str, name: str = NAME) -> JSON:
    """Return a Secret in the namespace of the test."""
    body = secret(name, password=password)
    body["metadata"]["namespace"] = SPACE
    return body


async def version_read(secrets: BindingSecrets) -> str | None:
    """Return the version that a pass would go by."""
    return version_of(await secrets.read_unless_recent(SPACE, NAME))


def test_what_was_just_written_or_read_is_not_read_again() -> None:
    """A burst of passes over a project asks for none of its Secrets twice."""
    looking = Looking()

    async def script(secrets: BindingSecrets) -> None:
        await secrets.create(SPACE, a_secret("one"))
        await secrets.patch(SPACE, NAME, {"data": {"password": "dHdv"}})
        for _ in range(10):
            assert await version_read(secrets) == version_of(looking.cluster.objects[PLACE])
        assert looking.cluster.answers == []
        await asyncio.sleep(RECENT)
        for _ in range(10):
            await version_read(secrets)
        assert len(looking.cluster.answers) == 1

    looking.during(script)


def test_server_pass_reads_what_is_there_now() -> None:
    """It decides which login is published next: never from what was seen before."""
    looking = Looking()

    async def script(secrets: BindingSecrets) -> None:
        await secrets.create(SPACE, a_secret("one"))
        version = looking.put("edited")
        assert version_of(await secrets.read(SPACE, NAME)) == version
        assert await version_read(secrets) == version

    looking.during(script)


def test_what_the_server_pass_reads_is_told_of() -> None:
    """Somebody put back what was lost: nothing is written, and the project need not wait."""
    looking = Looking()

    async def script(secrets: BindingSecrets) -> None:
        secrets.watch(SHOP, {PLACE: None})
        looking.put("one")
        await secrets.read(SPACE, NAME)
        assert looking.told == [(now(), SHOP)]

    looking.during(script)


def test_answer_from_before_a_write_does_not_hide_what_was_written() -> None:
    """The read was sent first and is answered last."""
    looking = Looking()
    looking.put("one")

    async def script(secrets: BindingSecrets) -> None:
        looking.cluster.delay = 2.0
        reading = asyncio.create_task(version_read(secrets))
        await asyncio.sleep(1.0)
        await secrets.patch(SPACE, NAME, {"data": {"password": "dHdv"}})
        written = version_of(looking.cluster.objects[PLACE])
        assert await reading == written
        assert await version_read(secrets) == written

    looking.during(script)


@pytest.mark.parametrize("seen", ["deleted", "edited"])
def test_answer_from_before_what_was_seen_since_is_gone_by_once(seen: str) -> None:
    """The pass that asked is told, and the next reads what there is."""
    looking = Looking()

    async def script(secrets: BindingSecrets) -> None:
        secrets.watch(SHOP, {PLACE: looking.put("one")})
        uid = looking.cluster.objects[PLACE]["metadata"]["uid"]
        looking.cluster.delay = 2.0
        reading = asyncio.create_task(version_read(secrets))
        await asyncio.sleep(1.0)
        if seen == "deleted":
            await secrets.delete(SPACE, NAME, uid=uid)
        else:
            secrets.noticed(PLACE, looking.put("edited"))
        secrets.watch(SHOP, {PLACE: await reading})
        assert looking.told[-1] == (now(), SHOP)
        assert await version_read(secrets) == version_of(looking.cluster.objects.get(PLACE))

    looking.during(script)


@pytest.mark.parametrize("harm", ["edited", "lost"])
def test_secret_that_others_change_is_told_of(harm: str) -> None:
    """Within twenty seconds of when it was seen last; the pass that follows reads it no more."""
    looking = Looking()

    async def script(secrets: BindingSecrets) -> None:
        await secrets.create(SPACE, a_secret("one"))
        secrets.watch(SHOP, {PLACE: await version_read(secrets)})
        await asyncio.sleep(95.0)
        if harm == "edited":
            looking.put("edited")
        else:
            looking.drop()
        await asyncio.sleep(USUAL + 1.0)
        ((at, key),) = looking.told
        assert (key, at - 95.0 <= USUAL + 2 * PACE) == (SHOP, True)
        answers = len(looking.cluster.answers)
        secrets.watch(SHOP, {PLACE: await version_read(secrets)})
        assert len(looking.cluster.answers) == answers
        await asyncio.sleep(100.0)
        assert len(looking.told) == 1

    looking.during(script)


def test_what_the_server_pass_writes_is_told_of_at_once() -> None:
    """Who went by what was there before publishes the new login; whoever has it hears nothing."""
    looking = Looking()

    async def script(secrets: BindingSecrets) -> None:
        secrets.watch(SHOP, {PLACE: looking.put("one")})
        await secrets.patch(SPACE, NAME, {"data": {"password": "dHdv"}})
        assert looking.told == [(now(), SHOP)]
        secrets.watch(SHOP, {PLACE: await version_read(secrets)})
        await asyncio.sleep(60.0)
        assert len(looking.told) == 1

    looking.during(script)


def test_write_between_a_read_and_the_end_of_its_pass_is_told_of() -> None:
    """Nobody would look at it again for the sake of a version that is no news."""
    looking = Looking()
    looking.put("one")

    async def script(secrets: BindingSecrets) -> None:
        before = await version_read(secrets)
        await secrets.patch(SPACE, NAME, {"data": {"password": "dHdv"}})
        secrets.watch(SHOP, {PLACE: before})
        assert looking.told == [(now(), SHOP)]

    looking.during(script)


def test_watched_secret_that_changed_is_read_again() -> None:
    """Where Secrets may be watched nobody waits; the version that is known is no news."""
    looking = Looking()

    async def script(secrets: BindingSecrets) -> None:
        await secrets.create(SPACE, a_secret("one"))
        version = await version_read(secrets)
        secrets.watch(SHOP, {PLACE: version})
        secrets.noticed(PLACE, version)
        secrets.noticed((Resource.SECRETS, SPACE, "another"), "77")
        assert looking.told == []
        edited = looking.put("edited")
        secrets.noticed(PLACE, edited)
        assert looking.told == [(now(), SHOP)]
        assert await version_read(secrets) == edited

    looking.during(script)


def test_unreadable_secret_is_no_change_and_told_of_once_it_can_be_read() -> None:
    """An API server that does not answer must not look like a Secret that is gone."""
    looking = Looking()

    async def script(secrets: BindingSecrets) -> None:
        secrets.watch(SHOP, {PLACE: looking.put("one")})
        looking.cluster.unreadable = {Resource.SECRETS}
        await asyncio.sleep(90.0)
        assert looking.told == []
        with pytest.raises(UnreadableError):
            await secrets.read_unless_recent(SPACE, NAME)
        secrets.watch(SHOP, {PLACE: UNREAD})
        await asyncio.sleep(90.0)
        assert looking.told == []
        looking.cluster.unreadable = set()
        await asyncio.sleep(USUAL + 1.0)
        assert [key for _, key in looking.told] == [SHOP]

    looking.during(script)


def test_thousand_secrets_are_two_reads_a_second_and_each_has_its_turn() -> None:
    """A few are looked at every twenty seconds, and those that are read otherwise not twice."""
    looking = Looking()
    names = [f"a{number}" for number in range(1000)]

    async def script(secrets: BindingSecrets) -> None:
        for name in names:
            looking.put("one", name)
        found: dict[Place, str | None] = {}
        for name in names:
            found[Resource.SECRETS, SPACE, name] = version_of(await secrets.read(SPACE, name))
        secrets.watch(SHOP, found)
        begun, looking.cluster.answers = now(), []
        await asyncio.sleep(1000 * PACE + USUAL)
        assert {name for _, name in looking.cluster.answers} == set(names)
        assert len(looking.cluster.answers) <= (now() - begun) / PACE

    looking.during(script)
    assert looking.told == []


def test_secrets_of_a_project_that_is_gone_are_asked_for_no_more() -> None:
    """Nor are those that no project has ever gone by."""
    looking = Looking()

    async def script(secrets: BindingSecrets) -> None:
        await secrets.create(SPACE, a_secret("one"))
        await secrets.create(SPACE, a_secret("one", "another"))
        secrets.watch(SHOP, {PLACE: await version_read(secrets)})
        secrets.watch(SHOP, {})
        await asyncio.sleep(120.0)
        assert looking.cluster.answers == []

    looking.during(script)


def test_passwords_are_forgotten_after_a_minute() -> None:
    """What is compared is versions: of many Secrets only the last looked at are held whole."""
    looking = Looking()

    async def script(secrets: BindingSecrets) -> None:
        found: dict[Place, str | None] = {}
        for name in map(str, range(300)):
            await secrets.create(SPACE, a_secret("one", name))
            stored = looking.cluster.objects[Resource.SECRETS, SPACE, name]
            found[Resource.SECRETS, SPACE, name] = version_of(stored)
        secrets.watch(SHOP, found)
        assert "b25l" not in repr(secrets).replace(repr(looking.cluster), "")
        await asyncio.sleep(RECENT + 1.0)
        assert len(secrets._recent) <= RECENT / PACE

    looking.during(script)
