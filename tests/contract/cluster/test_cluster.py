"""One suite for the real API server and for the fake, so that the fake cannot drift."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from kubernetes.aio import client as kubernetes_client
from kubernetes.aio import config as kubernetes_config

from dbalias.api.meta import API_VERSION, JSON
from dbalias.cluster.client import Api
from dbalias.cluster.write import LiveCluster
from dbalias.reconcile.ports import (
    AlreadyExistsError,
    Cluster,
    ConflictError,
    GoneError,
    Resource,
)
from unit.reconcile.fake import FakeCluster

SPACE = "default"
MAPS, PROJECTS, ALIASES = Resource.CONFIG_MAPS, Resource.PROJECTS, Resource.ALIASES
_numbers = itertools.count(1)


class AlwaysLeading:
    """A Lease that is never lost."""

    def remaining(self) -> float:
        """Return seconds enough."""
        return 60.0


@pytest.fixture(params=["fake", "real"])
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    """The fake, then the real one."""
    if request.param == "fake":
        yield FakeCluster(gone={"nowhere"})
        return
    request.getfixturevalue("apiserver")  # it serves our kinds
    kubeconfig: Path = request.getfixturevalue("kubeconfig")
    configuration = kubernetes_client.Configuration()
    await kubernetes_config.load_kube_config(str(kubeconfig), client_configuration=configuration)
    api = Api(kubernetes_client.ApiClient(configuration))
    yield LiveCluster(api, AlwaysLeading())
    await api.close()


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"object-{next(_numbers)}"


def a_map(name: str, **data: str) -> JSON:
    """Return a ConfigMap."""
    meta = {"name": name, "labels": {"test": name}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def a_project(name: str) -> JSON:
    """Return a DjangoProject without anything."""
    return {"apiVersion": API_VERSION, "kind": "DjangoProject", "metadata": {"name": name},
            "spec": {}}  # fmt: skip


def a_status(of: JSON, **status: JSON) -> JSON:
    """Return what is applied to set an object's status, guarded by the version that was read."""
    meta = {key: of["metadata"][key] for key in ("name", "namespace", "resourceVersion")}
    return {"apiVersion": of["apiVersion"], "kind": of["kind"], "metadata": meta, "status": status}


async def test_an_object_that_is_not_there_is_none(cluster: Cluster, name: str) -> None:
    """None, not an error: what cannot be read is something else."""
    assert await cluster.get(MAPS, SPACE, name) is None


async def test_a_created_object_is_read_and_listed_by_label(cluster: Cluster, name: str) -> None:
    """With its uid and version, and with its kind, which a list omits."""
    created = await cluster.create(MAPS, SPACE, a_map(name, a="1"))
    read = await cluster.get(MAPS, SPACE, name)
    assert read is not None
    assert read["metadata"]["uid"] == created["metadata"]["uid"]
    (listed,) = await cluster.list(MAPS, SPACE, labels={"test": name})
    assert (listed["kind"], listed["data"]) == ("ConfigMap", {"a": "1"})
    assert await cluster.list(MAPS, SPACE, labels={"test": "other"}) == []


async def test_objects_are_found_in_all_namespaces_by_one_of_several_values(
    cluster: Cluster, name: str
) -> None:
    """For what several projects share; another label may have to be there too."""
    made = {"one": SPACE, "two": "kube-public", "three": SPACE}
    for value, space in made.items():
        body = a_map(f"{name}-{value}")
        body["metadata"]["labels"] = {"test": f"{name}-{value}", "of": name}
        await cluster.create(MAPS, space, body)
    wanted = {"of": name, "test": [f"{name}-one", f"{name}-two"]}
    listed = await cluster.list_everywhere(MAPS, labels=wanted)
    found = {(body["metadata"]["namespace"], body["metadata"]["name"]) for body in listed}
    assert found == {(SPACE, f"{name}-one"), ("kube-public", f"{name}-two")}


async def test_aliases_are_listed_by_their_project(cluster: Cluster, name: str) -> None:
    """The server selects by the field, so that a pass need not read all of a namespace."""
    for project in ("one", "two"):
        spec = {"projectRef": {"name": f"{name}-{project}"}, "alias": "default", "empty": True}
        body = {"apiVersion": API_VERSION, "kind": "DatabaseAlias",
                "metadata": {"name": f"{name}-{project}"}, "spec": spec}  # fmt: skip
        await cluster.create(ALIASES, SPACE, body)
    listed = await cluster.list(ALIASES, SPACE, fields={"spec.projectRef.name": f"{name}-two"})
    assert [body["metadata"]["name"] for body in listed] == [f"{name}-two"]


async def test_a_name_can_be_created_once(cluster: Cluster, name: str) -> None:
    """The second creation says that the name is there, which is no conflict of versions."""
    await cluster.create(MAPS, SPACE, a_map(name))
    with pytest.raises(AlreadyExistsError):
        await cluster.create(MAPS, SPACE, a_map(name))


async def test_nothing_is_created_in_a_namespace_that_is_gone(cluster: Cluster, name: str) -> None:
    """A namespace may vanish between reading and writing."""
    with pytest.raises(GoneError):
        await cluster.create(MAPS, "nowhere", a_map(name))


async def test_applying_the_same_again_changes_nothing(cluster: Cluster, name: str) -> None:
    """The version stays, so that no watch wakes anybody."""
    first = await cluster.apply(MAPS, SPACE, a_map(name, a="1"))
    again = await cluster.apply(MAPS, SPACE, a_map(name, a="1"))
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_applying_removes_what_an_earlier_apply_gave_and_keeps_what_others_gave(
    cluster: Cluster, name: str
) -> None:
    """Foreign keys have to be removed by name."""
    await cluster.apply(MAPS, SPACE, a_map(name, mine="1", old="1"))
    await cluster.patch(MAPS, SPACE, name, {"data": {"theirs": "1"}})
    applied = await cluster.apply(MAPS, SPACE, a_map(name, mine="2"))
    assert applied["data"] == {"mine": "2", "theirs": "1"}
    await cluster.patch(MAPS, SPACE, name, {"data": {"theirs": None}})
    read = await cluster.get(MAPS, SPACE, name)
    assert (read or {})["data"] == {"mine": "2"}


async def test_applying_keeps_keys_that_a_creation_gave(cluster: Cluster, name: str) -> None:
    """A creation is no apply: what it gave has to be removed by name as well."""
    await cluster.create(MAPS, SPACE, a_map(name, created="1"))
    applied = await cluster.apply(MAPS, SPACE, a_map(name, applied="1"))
    assert applied["data"] == {"created": "1", "applied": "1"}


async def test_a_fresh_object_of_ours_has_an_unobserved_status(cluster: Cluster, name: str) -> None:
    """Tools that compare generations must not take it for current."""
    created = await cluster.create(PROJECTS, SPACE, a_project(name))
    assert created["status"] == {"observedGeneration": -1}
    assert created["metadata"]["generation"] == 1


async def test_a_status_replaces_the_one_before(cluster: Cluster, name: str) -> None:
    """Fields that are given no more are gone, and the generation stays."""
    fresh = await cluster.create(PROJECTS, SPACE, a_project(name))
    await cluster.apply_status(
        PROJECTS, SPACE, a_status(fresh, observedGeneration=1, revision="a", publishedRevision="a")
    )
    read = await cluster.get(PROJECTS, SPACE, name)
    assert read is not None
    await cluster.apply_status(PROJECTS, SPACE, a_status(read, observedGeneration=1, revision="b"))
    after = await cluster.get(PROJECTS, SPACE, name)
    assert (after or {})["status"] == {"observedGeneration": 1, "revision": "b"}
    assert (after or {})["metadata"]["generation"] == 1


async def test_a_status_for_a_version_that_is_past_is_a_conflict(
    cluster: Cluster, name: str
) -> None:
    """A recreated object must not inherit what was decided for its predecessor."""
    fresh = await cluster.create(PROJECTS, SPACE, a_project(name))
    await cluster.apply_status(PROJECTS, SPACE, a_status(fresh, observedGeneration=1))
    with pytest.raises(ConflictError):
        await cluster.apply_status(PROJECTS, SPACE, a_status(fresh, observedGeneration=0))


async def test_the_status_of_an_object_that_is_gone_goes_nowhere(
    cluster: Cluster, name: str
) -> None:
    """Nothing is created by it."""
    fresh = await cluster.create(PROJECTS, SPACE, a_project(name))
    await cluster.delete(PROJECTS, SPACE, name, uid=fresh["metadata"]["uid"])
    with pytest.raises((GoneError, ConflictError)):
        await cluster.apply_status(PROJECTS, SPACE, a_status(fresh, observedGeneration=1))
    assert await cluster.get(PROJECTS, SPACE, name) is None


async def test_an_object_that_is_gone_cannot_be_patched(cluster: Cluster, name: str) -> None:
    """A workload may vanish between reading and restarting it."""
    with pytest.raises(GoneError):
        await cluster.patch(MAPS, SPACE, name, {"data": {"a": "1"}})


async def test_only_the_very_object_is_deleted(cluster: Cluster, name: str) -> None:
    """A successor of the same name stays; what is gone already is deleted."""
    created = await cluster.create(MAPS, SPACE, a_map(name))
    with pytest.raises(ConflictError):
        await cluster.delete(MAPS, SPACE, name, uid="somebody-else")
    await cluster.delete(MAPS, SPACE, name, uid=created["metadata"]["uid"])
    assert await cluster.get(MAPS, SPACE, name) is None
    await cluster.delete(MAPS, SPACE, name, uid=created["metadata"]["uid"])
