"""Every version of every object over a release that goes wrong: none is green too early."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

from dbalias.api.meta import FIELD_MANAGER, JSON, Kind
from dbalias.reconcile.ports import Resource
from gitops.judging import Verdict, judge
from health.stages import ALIASES, edit
from integration.operator.objects import alias, project, secret
from unit.reconcile.fake import FakeCluster
from unit.reconcile.scene import Scene

UNREACHABLE, MIGRATION_FAILED = 4, 5
"""Exit codes of the runner; the first passes by itself."""


@dataclass(frozen=True)
class Version:
    """An object as a status write left it, and what was true then."""

    body: JSON
    image: str
    """The project's at that time."""
    migrated: frozenset[tuple[str, str]]
    """Aliases with the image that has migrated them."""
    published: str | None
    broken: bool
    """A migration has failed for good, and nobody has done anything about it."""


@dataclass
class Release:
    """A scene whose status writes are all kept."""

    migrated: set[tuple[str, str]] = field(default_factory=set)
    broken: bool = False
    versions: list[Version] = field(default_factory=list)
    scene: Scene = field(default_factory=Scene)

    def __post_init__(self) -> None:
        self.scene.cluster = Recorded(self)

    def note(self, body: JSON) -> None:
        """Keep what was just written."""
        document = self.scene.document()
        self.versions.append(
            Version(
                copy.deepcopy(body),
                image=self.scene.get("DjangoProject", "shop")["spec"]["image"],
                migrated=frozenset(self.migrated),
                published=None if document is None else str(document["revision"]),
                broken=self.broken,
            )
        )

    def end(self, name: str, image: str, *, code: int = 0) -> None:
        """Let an alias' run end, and look at what follows."""
        self.scene.end_job(name, code=code)
        self.broken = code == MIGRATION_FAILED
        if not code:
            self.migrated.add((name, image))
        self.scene.settle()

    def mend(self, image: str) -> None:
        """Give the project another image, which is tried at once."""
        self.broken = False
        edit(self.scene, Kind.PROJECT, "shop", image=image).wait(6).settle()


class Recorded(FakeCluster):
    """A cluster that keeps every status that is written."""

    def __init__(self, release: Release) -> None:
        super().__init__()
        self.release = release

    async def apply_status(
        self, resource: Resource, namespace: str, body: JSON, *, manager: str = FIELD_MANAGER
    ) -> None:
        """Write, and keep what is there now."""
        await FakeCluster.apply_status(self, resource, namespace, body, manager=manager)
        self.release.note(self.objects[resource, namespace, body["metadata"]["name"]])


def a_release() -> Release:
    """Play it: image 1, then 2, whose migration of users fails, then 3, which mends it."""
    release = Release()
    release.scene.put(project(image="shop:1"), *map(alias, ALIASES), secret()).settle()
    for name in ALIASES:
        release.end(name, "shop:1")
    release.mend("shop:2")
    release.end("default", "shop:2")
    release.end("users", "shop:2", code=MIGRATION_FAILED)
    release.mend("shop:3")
    release.end("users", "shop:3", code=UNREACHABLE)
    release.scene.wait(20).settle()
    for name in ALIASES:
        release.end(name, "shop:3")
    return release


def of_kind(
    kind: Kind, versions: Sequence[Version], verdicts: Sequence[Verdict]
) -> list[tuple[Version, Verdict]]:
    """Return the versions of one kind, each with what is said of it."""
    pairs = zip(versions, verdicts, strict=True)
    return [(one, told) for one, told in pairs if one.body["kind"] == kind.value]


def is_migrated(version: Version, name: str) -> bool:
    """Whether the project's image has migrated an alias."""
    return (name, version.image) in version.migrated


def is_whole(version: Version) -> bool:
    """Whether all aliases are migrated, and what is wanted is published."""
    wanted = version.body["status"]["revision"]
    return version.published == wanted and all(is_migrated(version, name) for name in ALIASES)


def test_no_version_of_a_release_is_green_too_early_or_red_while_it_may_still_pass() -> None:
    """Green and whole are the same for the project; red only while somebody must do something."""
    release = a_release()
    verdicts = judge(version.body for version in release.versions)
    projects = of_kind(Kind.PROJECT, release.versions, verdicts)
    assert [told.is_green for _, told in projects] == [is_whole(one) for one, _ in projects]
    assert [told.is_red for _, told in projects] == [one.broken for one, _ in projects]
    assert sum(told.is_green for _, told in projects) == 2
    assert any(told.is_red for _, told in projects)


def test_each_alias_is_judged_by_its_own_runs_alone() -> None:
    """Default is green while users is red."""
    release = a_release()
    verdicts = judge(version.body for version in release.versions)
    for version, told in of_kind(Kind.ALIAS, release.versions, verdicts):
        name = version.body["spec"]["alias"]
        assert told.is_green == is_migrated(version, name), version.body["status"]
        assert told.is_red == (version.broken and name == "users"), version.body["status"]
