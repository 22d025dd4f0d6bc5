"""A Job's pod beside the application's: each mounts what the operator publishes for it alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbalias.api.alias import DatabaseAlias
from dbalias.api.project import PublishMode, Settings
from dbalias.api.secrets import SecretBytes
from dbalias.django.artefact import (
    build_artefact,
    config_map_data,
    migrate_secret_data,
    secret_data,
    stable_document,
)
from dbalias.django.resolve import resolve
from dbalias.django.routing import build_routing
from integration.runtime.pod import Pod, mount
from unit.builders import a_project


@dataclass(frozen=True, slots=True)
class Apart:
    """Both pods of one project, the shop."""

    job: Pod
    app: Pod

    @classmethod
    def make(cls, folder: Path) -> Apart:
        """Return both, with nothing published yet."""
        return cls(Pod(folder / "job"), Pod(folder / "app"))

    def publish(self, alias: DatabaseAlias, *, sources: Any) -> None:
        """Publish one alias to both, as if it were migrated."""
        project = a_project(settings=Settings(module="shop.settings"))
        resolution = resolve(project, [alias], sources)
        assert not resolution.problems, resolution.problems
        routing = build_routing(project, resolution, [], aliases=[alias])
        desired = build_artefact(project, resolution, routing, published=None).document
        shown = stable_document(
            desired, None, migrated=frozenset({alias.alias}), mode=PublishMode.AFTER_MIGRATE
        )
        assert shown is not None
        stable = secret_data(resolution, published={}, keep=shown)
        for_jobs = migrate_secret_data(resolution, published={})
        mount(self.app.mount, _files(shown, stable))
        mount(self.job.mount, _files(desired, {**stable, **for_jobs}))

    def close(self) -> None:
        """End what a failed test left running."""
        self.job.close()
        self.app.close()


def _files(document: Any, secret: Mapping[str, SecretBytes]) -> dict[str, bytes]:
    texts = config_map_data(document).items()
    revealed = {name: value.reveal() for name, value in secret.items()}
    return revealed | {name: text.encode() for name, text in texts}
