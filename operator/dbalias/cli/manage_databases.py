"""On which databases a command runs, one after the other, and what keeps it from some."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from dbalias.api.alias import DatabaseAlias
from dbalias.api.meta import JSON
from dbalias.api.ownership import is_controlled_by
from dbalias.api.project import DjangoProject
from dbalias.cli.refusal import RefusedError
from dbalias.django.commands import is_reading
from dbalias.django.document import DOCUMENT, needed_files
from dbalias.reconcile.names import PUBLISHED_AT, stable_name

EMPTY, REPLICA, NOT_OURS = "empty", "replica", "not managed"
"""Why routing's guard keeps migrations from an alias."""


@dataclass(frozen=True, slots=True)
class Published:
    """A ConfigMap with published settings: its name, and the document in it."""

    config_map: str
    document: JSON
    since: str = ""
    """When it began to be so, as Kubernetes writes times."""

    @property
    def never(self) -> Mapping[str, str]:
        """The aliases that are never migrated, and why."""
        found: Mapping[str, str] = self.document["routing"]["guard"]["never"]
        return found

    @property
    def managed(self) -> Sequence[str]:
        """The aliases that are ours to migrate."""
        found: Sequence[str] = self.document["routing"]["managed"]
        return found

    def is_local(self, alias: str) -> bool:
        """Tell whether a database is a file, which in a Job dies with its pod."""
        entry = self.document["databases"].get(alias) or {}
        return str((entry.get("settings") or {}).get("ENGINE", "")).endswith("sqlite3")

    def has_own_login(self, alias: str) -> bool:
        """Tell whether Jobs of an alias read the Secret that they alone mount."""
        entry = self.document["databases"].get(alias) or {}
        return bool(needed_files({"databases": {alias: entry.get("migrate", {})}}))


def find_published(project: DjangoProject, config_maps: Iterable[JSON]) -> Published:
    """Return the settings that a Job of the project would mount; raise RefusedError.

    Those of migrate Jobs where they say more than what applications mount: an alias that is not
    published yet, a connection for migrations alone.
    """
    ours = [body for body in config_maps if is_controlled_by(body, project.metadata.uid)]
    stable = stable_name(project.metadata.name)
    applications = [one for body in ours if (one := _read(body)) and one.config_map == stable]
    jobs = [one for body in ours if (one := _read(body)) and one.config_map != stable]
    newest = max(jobs, key=lambda one: one.since, default=None)
    for published in applications:
        return newest if newest and _says_more(newest, published) else published
    if newest:
        return newest
    raise RefusedError(
        f"nothing is published for DjangoProject/{project.metadata.name} yet, so a Job would have "
        f"no settings: `dbalias status {project.metadata.name}` tells what is missing"
    )


def _read(body: JSON) -> Published | None:
    """Return what a ConfigMap publishes; None for a damaged one."""
    metadata = body["metadata"]
    since = (metadata.get("annotations") or {}).get(PUBLISHED_AT)
    try:
        document = json.loads(body["data"][DOCUMENT])
    except (KeyError, TypeError, ValueError):
        return None
    return Published(metadata["name"], document, since or str(metadata.get("creationTimestamp")))


def _says_more(jobs: Published, applications: Published) -> bool:
    """Tell whether Jobs' settings are newer, or the same with connections of their own."""
    if _without_own(jobs.document) == _without_own(applications.document):
        return any("migrate" in entry for entry in jobs.document["databases"].values())
    return jobs.since > applications.since


def _without_own(document: JSON) -> JSON:
    databases = {
        alias: {part: value for part, value in entry.items() if part != "migrate"}
        for alias, entry in document["databases"].items()
    }
    return {**document, "databases": databases, "revision": None}


def choose(
    names: Sequence[str],
    *,
    every: bool,
    words: Sequence[str],
    aliases: Mapping[str, DatabaseAlias],
    published: Published,
) -> list[DatabaseAlias]:
    """Return the databases of ``--database`` or ``--all`` in the order of their runs.

    Raises RefusedError when the command may not run on one of them: then it runs on none.
    """
    wanted = published.managed if every else names
    for name in wanted:
        if name not in aliases:
            raise RefusedError(_unknown(name, aliases))
        why = _why_not(name, words, published)
        if why:
            raise RefusedError(why)
    if not wanted:
        raise RefusedError("no alias is ours to migrate: name one with --database")
    return [aliases[name] for name in in_order(aliases) if name in wanted]


def in_order(aliases: Mapping[str, DatabaseAlias]) -> list[str]:
    """Return the aliases, each after those that it depends on, else by name."""
    after = {name: one.migrate.depends_on for name, one in sorted(aliases.items())}
    try:
        return [name for name in TopologicalSorter(after).static_order() if name in aliases]
    except CycleError:
        return sorted(aliases)


def _unknown(name: str, aliases: Mapping[str, DatabaseAlias]) -> str:
    close = get_close_matches(name, aliases, n=1)
    hint = f": did you mean {close[0]}?" if close else f"; there are: {', '.join(sorted(aliases))}"
    return f"there is no alias {name}{hint}"


def _why_not(alias: str, words: Sequence[str], published: Published) -> str | None:
    """Return what keeps a command from a database that is declared."""
    reason = published.never.get(alias)
    others = ", ".join(published.managed) or "none"
    if reason == EMPTY:
        return f"alias {alias} is empty on purpose: name another database (there are: {others})"
    missing = (published.document.get("unavailable") or {}).get(alias)
    if missing or alias not in published.document["databases"]:
        return (
            f"alias {alias} is not published yet ({missing or 'its settings are being made'}): "
            "`dbalias status` tells what it waits for"
        )
    if words[0] == "migrate" and reason is not None:
        what = "a replica" if reason == REPLICA else "not ours to migrate (mode Never)"
        return f"alias {alias} is {what}: name another database (ours to migrate: {others})"
    if reason == REPLICA and not is_reading(words):
        return f"alias {alias} is a replica, which takes no writes, and {words[0]} may write"
    if published.is_local(alias) and not is_reading(words):
        return (
            f"alias {alias} is a local file: what {words[0]} writes in a Job dies with its pod. "
            "Run it where the file is, such as by kubectl exec"
        )
    return None
