"""What an event tells of a DatabaseServer and of the aliases that name one."""

from __future__ import annotations

import pytest

from dbalias.api.meta import JSON, Key
from dbalias.api.ownership import DATABASE_FINALIZER, ROTATE_REQUESTED_AT
from dbalias.cluster.watch import Change
from integration.operator.objects import alias, project


def an_event(
    body: JSON, type: str | None = "MODIFIED", status: JSON = None, **metadata: JSON
) -> Change:
    """Return what is made of an event about this body."""
    given: dict[str, JSON] = {"namespace": "shop", "resourceVersion": "7", "uid": "1"}
    given["generation"] = 1
    merged = {**given, **body["metadata"], **metadata}
    return Change.of({**body, "metadata": merged, "status": status}, type)


ELSEWHERE = alias("users", serverRef={"name": "main", "namespace": "databases"})
SERVER: JSON = {"kind": "DatabaseServer", "metadata": {"name": "main"}, "spec": {}}


@pytest.mark.parametrize(
    ("body", "server"),
    [
        (SERVER, Key("shop", "main")),
        (ELSEWHERE, Key("databases", "main")),
        (alias("users", serverRef={"name": "main"}), Key("shop", "main")),
        (alias("users"), None),
        (project("shop"), None),
    ],
    ids=["the server", "an alias", "an alias beside it", "an alias with a host", "a project"],
)
def test_an_event_is_about_the_server_that_its_object_is_or_names(
    body: JSON, server: Key | None
) -> None:
    """The namespace of the reference is the alias' own where it says none."""
    assert an_event(body).server == server


@pytest.mark.parametrize(
    "change",
    [
        {"generation": 2},
        {"uid": "2"},
        {"annotations": {ROTATE_REQUESTED_AT: "now"}},
        {"status": {"settledLogin": "a"}},
    ],
    ids=["an edit", "another object", "a request", "workloads have the login"],
)
def test_what_a_pass_would_act_on_changes_the_print(change: dict[str, JSON]) -> None:
    """So that the server's key is run."""
    assert an_event(ELSEWHERE, **change).print != an_event(ELSEWHERE).print


@pytest.mark.parametrize(
    "change",
    [
        {"resourceVersion": "8"},
        {"status": {"conditions": [{"type": "Provisioned", "status": "True"}]}},
        {"labels": {"theirs": "1"}},
    ],
    ids=["a version", "a condition", "a label"],
)
def test_what_a_pass_writes_itself_changes_no_print(change: dict[str, JSON]) -> None:
    """Else each pass would wake the next."""
    assert an_event(ELSEWHERE, **change).print == an_event(ELSEWHERE).print


def test_an_object_that_is_gone_has_no_print() -> None:
    """Its database may have become an orphan."""
    assert an_event(ELSEWHERE, "DELETED").print is None


def test_an_alias_that_our_finalizer_holds_without_a_server_is_abandoned() -> None:
    """No pass over a server would ever find it."""
    held = [DATABASE_FINALIZER]
    assert an_event(alias("users"), finalizers=held).is_abandoned
    assert not an_event(ELSEWHERE, finalizers=held).is_abandoned
    assert not an_event(alias("users")).is_abandoned


def test_an_alias_that_tells_of_a_server_it_names_no_more_is_abandoned() -> None:
    """The next database that it asks for would be called lost."""
    told = {"provision": {"incarnation": "7"}}
    assert an_event(alias("users"), status=told).is_abandoned
    assert not an_event(ELSEWHERE, status=told).is_abandoned
    assert not an_event(alias("users"), status={"conditions": []}).is_abandoned
