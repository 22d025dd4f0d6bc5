"""What is seen by watches of one's own: every version of an object, however briefly it stands."""

import threading
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from stage.api import JSON, ApiServer, Watch

_KINDS = ("DjangoProject", "DatabaseAlias", "DatabaseRoutingPolicy")


class Watching(ABC):
    """While the context is open, hands every version of objects in all namespaces to ``note``."""

    def __init__(self, api: ApiServer, kinds: Iterable[str]) -> None:
        self._watches = [api.watch(kind) for kind in kinds]
        self._threads = [
            threading.Thread(target=self._record, args=(watch,)) for watch in self._watches
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for watch in self._watches:
            watch.stop()
        for thread in self._threads:
            thread.join()

    @abstractmethod
    def note(self, body: JSON) -> None:
        """Take one version; called by a thread of its kind's own."""

    def _record(self, watch: Watch) -> None:
        for body in watch:
            self.note(body)


class History(Watching):
    """What objects were like: by default all kinds of ours."""

    def __init__(self, api: ApiServer, kinds: Iterable[str] = _KINDS) -> None:
        super().__init__(api, kinds)
        self._seen: dict[str, list[JSON]] = defaultdict(list)

    def stalled(self, namespace: str) -> list[str]:
        """Return, as sentences, every Stalled=True that a namespace's objects ever had."""
        return [
            f"{one['kind']}/{one['metadata']['name']}: {condition['message']}"
            for one in self._seen[namespace]
            for condition in one.get("status", {}).get("conditions", ())
            if condition["type"] == "Stalled" and condition["status"] == "True"
        ]

    def seen(self, *namespaces: str) -> list[JSON]:
        """Return every version of these namespaces' objects, in the order they were written."""
        found = [one for namespace in namespaces for one in self._seen[namespace]]
        return sorted(found, key=lambda o: int(o["metadata"]["resourceVersion"]))

    def messages(self, namespace: str, type: str) -> list[str]:
        """Return what conditions of a type ever said in a namespace."""
        return [
            str(condition.get("message", ""))
            for one in self.seen(namespace)
            for condition in one.get("status", {}).get("conditions", ())
            if condition["type"] == type
        ]

    def versions(self, namespace: str) -> int:
        """Return how many versions of a namespace's objects were seen."""
        return len(self._seen[namespace])

    def note(self, body: JSON) -> None:
        """Keep it."""
        self._seen[body["metadata"].get("namespace", "")].append(body)


def most_pods(versions: Iterable[JSON]) -> int:
    """Return how many pods there were in one moment that had not ended."""
    running: set[str] = set()
    most = 0
    for one in versions:
        if one["kind"] == "Pod":
            name, ended = one["metadata"]["name"], one["status"]["phase"] in ("Succeeded", "Failed")
            running = running - {name} if ended else running | {name}
            most = max(most, len(running))
    return most
