"""What Flux and Argo CD would have said of our objects at each moment, and what was true then."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from gitops.judging import Verdict, judge
from stage.api import JSON
from stage.objects import PROJECT
from stage.play import is_complete, is_finished

KINDS = ("DjangoProject", "DatabaseAlias", "Job", "ConfigMap")
"""What `History` has to watch."""


@dataclass(frozen=True)
class Moment:
    """A version of an object of ours.

    `whole`: of an alias, that the run it speaks of has completed; of the project, that its image
    has migrated every alias and what is wanted is published. `failed`: the last run of the alias,
    or of one of the project's, has failed.
    """

    body: JSON
    whole: bool
    failed: bool


@dataclass
class Truth:
    """What has happened so far, as Jobs and ConfigMaps show it."""

    migrated: set[tuple[str, str]] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    published: JSON = None

    def learn(self, one: JSON) -> None:
        """Take in a version of a Job or of a ConfigMap."""
        if one["kind"] == "Job" and is_finished(one):
            alias = one["metadata"]["labels"]["dbalias.dev/alias"]
            if is_complete(one):
                image = one["spec"]["template"]["spec"]["containers"][0]["image"]
                self.migrated.add((alias, image))
                self.failed.discard(alias)
            else:
                self.failed.add(alias)
        if one["kind"] == "ConfigMap" and one["metadata"]["name"] == f"{PROJECT}-databases":
            self.published = json.loads(one["data"]["databases.json"])

    def moment(self, one: JSON) -> Moment:
        """Return a version of a project, or of an alias, with what is true now."""
        if one["kind"] == "DjangoProject":
            return Moment(one, self._is_whole(one), bool(self.failed))
        name = one["spec"].get("alias", one["metadata"]["name"])
        migration = one["status"].get("migration", {})
        image = migration.get("completed", {}).get("image")
        whole = (name, image) in self.migrated and migration.get("outcome") == "Succeeded"
        return Moment(one, whole, name in self.failed)

    def _is_whole(self, project: JSON) -> bool:
        image, wanted = project["spec"]["image"], project["status"].get("revision")
        return (
            self.published is not None
            and self.published["revision"] == wanted
            and all((name, image) in self.migrated for name in self._managed())
        )

    def _managed(self) -> list[str]:
        return list(self.published["routing"]["managed"])


def moments(versions: Iterable[JSON]) -> list[Moment]:
    """Return each version of project and aliases with what was true when it was written."""
    truth, found = Truth(), []
    for one in versions:
        truth.learn(one)
        if one["kind"] in ("DjangoProject", "DatabaseAlias"):
            found.append(truth.moment(one))
    return found


def judged(versions: Iterable[JSON]) -> list[tuple[Moment, Verdict]]:
    """Return each version of project and aliases with what is said of it."""
    found = moments(versions)
    return list(zip(found, judge(moment.body for moment in found), strict=True))


def wrongly_judged(told: Iterable[tuple[Moment, Verdict]]) -> list[str]:
    """Return, as sentences, every verdict that came too early."""
    return [
        f"{moment.body['metadata']['name']} {verdict.health} ({verdict.message}): "
        f"{json.dumps(moment.body['status'])}"
        for moment, verdict in told
        if (verdict.is_green and not moment.whole) or (verdict.is_red and not moment.failed)
    ]
