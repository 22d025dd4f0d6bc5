"""Servers, aliases and what a look at a server found, for tests of decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dbalias.api.alias import Credentials, DatabaseAlias
from dbalias.api.meta import Metadata
from dbalias.api.ownership import DATABASE_FINALIZER
from dbalias.api.provision import DeletionPolicy, Provision
from dbalias.api.secrets import SecretBytes
from dbalias.api.server import DatabaseServer, ServerEngine
from dbalias.reconcile.provisioning.claims import Claim, build_claim
from dbalias.servers.marks import Mark
from dbalias.servers.plot import Obstacle, Standing, Step
from dbalias.servers.wanted import Wanted

NOW = datetime(2026, 1, 1, tzinfo=UTC)
INSTALLATION = "tests"


def a_server(**fields: Any) -> DatabaseServer:
    """Return a PostgreSQL server of namespace databases."""
    given: dict[str, Any] = {"engine": ServerEngine.POSTGRESQL, "host": "db"}
    given |= {"metadata": Metadata("databases", "main", generation=1)}
    return DatabaseServer(**(given | {"admin": Credentials("admin")} | fields))


def an_alias(object: str = "users", **fields: Any) -> DatabaseAlias:
    """Return an alias with ``provision``; ``age`` in seconds, ``deleted`` and ``held`` flags."""
    metadata = Metadata(
        namespace=fields.pop("namespace", "shop"),
        name=object,
        uid=f"uid-{object}",
        generation=1,
        created_at=NOW - timedelta(seconds=fields.pop("age", 0)),
        deleted_at=NOW if fields.pop("deleted", False) else None,
        finalizers=(DATABASE_FINALIZER,) if fields.pop("held", False) else (),
        annotations=fields.pop("annotations", {}),
    )
    given = {"provision": Provision()} | fields
    return DatabaseAlias(metadata=metadata, project="shop", alias=object, **given)


def dropped_with_it() -> Provision:
    """Return a provision whose database goes with its alias."""
    return Provision(deletion_policy=DeletionPolicy.DELETE)


def a_claim(object: str = "users", **fields: Any) -> Claim:
    """Return what an alias comes to on the server."""
    return build_claim(an_alias(object, **fields), a_server(), INSTALLATION)


@dataclass(frozen=True, slots=True)
class Found:
    """A plot as a test wants it: everything is as it should be."""

    wanted: Wanted
    standing: Standing = Standing.OURS
    holder: Mark | None = None
    incarnation: str | None = "1"
    logins: frozenset[str] = frozenset()
    former: frozenset[str] = frozenset()
    unseen: str | None = None
    hindrance: Obstacle | None = None
    changes: tuple[str, ...] = ()

    def obstacle(self) -> Obstacle | None:
        """Return what is in the way."""
        return self.hindrance

    def differences(self, logins: frozenset[str]) -> tuple[str, ...]:
        """Return what would change."""
        return self.changes

    def steps(
        self, logins: frozenset[str], passwords: Mapping[str, SecretBytes]
    ) -> tuple[Step, ...]:
        """Return a step for each change."""
        return tuple(Step(change, ()) for change in self.changes)

    def removal(self) -> tuple[Step, ...]:
        """Return nothing."""
        return ()


def a_plot(claim: Claim, **fields: Any) -> Found:
    """Return what was found for a claim."""
    return replace(Found(claim.wanted), **fields)
