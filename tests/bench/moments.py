"""When what happens to Jobs and their pods is seen from outside, by watches of one's own."""

from __future__ import annotations

import time
from collections.abc import Iterator

from stage.api import JSON, ApiServer
from stage.fleet import Fleet
from stage.play import is_finished
from stage.watching import Watching

STAGES = ("created", "running", "ended", "finished")
"""Of a Job: created; its container runs; its container has ended; its condition says so."""


class Moments(Watching):
    """While the context is open: alias → stage → when, by `time.monotonic()`."""

    def __init__(self, api: ApiServer, namespace: str) -> None:
        super().__init__(api, ("Job", "Pod"))
        self.seen: dict[str, dict[str, float]] = {}
        self._namespace = namespace

    def first(self) -> float:
        """Return when the first Job was seen."""
        return min(stages["created"] for stages in self.seen.values())

    def hops(self, fleet: Fleet) -> list[dict[str, float]]:
        """Return, for each step along the way that took longest, where its seconds went.

        From the end of the last dependency: until its Job says so, until this alias' Job is
        there, until its container runs, and what the run takes beyond its migrations' waits.
        """
        name: str | None = max(self.seen, key=lambda one: self.seen[one]["finished"])
        found = []
        while name is not None:
            before = max(
                fleet.depends[name], key=lambda one: self.seen[one]["finished"], default=None
            )
            own = self.seen[name]
            hop = {
                "container starts after its Job": own["running"] - own["created"],
                "run beyond its waits": own["ended"] - own["running"] - fleet.seconds[name],
                "Job ends after its container": own["finished"] - own["ended"],
            }
            if before:
                ended = self.seen[before]["finished"]
                hop["Job follows the end of the last before it"] = own["created"] - ended
            found.append(hop)
            name = before
        return found

    def note(self, body: JSON) -> None:
        """Keep when each stage was first seen."""
        alias = (body["metadata"].get("labels") or {}).get("dbalias.dev/alias")
        if alias and body["metadata"]["namespace"] == self._namespace:
            stages = self.seen.setdefault(alias, {})
            for stage in _stages(body):
                stages.setdefault(stage, time.monotonic())


def _stages(one: JSON) -> Iterator[str]:
    if one["kind"] == "Job":
        yield "created"
        if is_finished(one):
            yield "finished"
        return
    for container in one["status"].get("containerStatuses", ()):
        if container["state"].keys() & {"running", "terminated"}:
            yield "running"
        if "terminated" in container["state"]:
            yield "ended"
