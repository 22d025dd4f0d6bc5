"""Whatever lies in a namespace: a plan is made, and carried out it comes to rest."""

from __future__ import annotations

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from dbalias.api.conditions import Reason
from dbalias.api.meta import JSON, Kind
from integration.operator.objects import alias, everything_to, policy, project, secret
from unit.reconcile.scene import BEGINNING, RESOURCES, SPACE, Scene
from unit.reconcile.serving import a_binding, made, served, server, told

ODD: list[JSON] = [None, "", "text", 0, -1, 1.5, True, [], {}, [None], {"a": None}, "2026-13-01"]

DDL: JSON = {"credentials": {"secretRef": {"name": "ddl"}}}
WEB: JSON = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {"replicas": 1, "template": {"metadata": {}}},
    "status": {},
}

PROJECTS = st.builds(
    project,
    image=st.sampled_from([None, "shop:1", "shop:2"]),
    suspend=st.booleans(),
    publish=st.sampled_from(["AfterMigrate", "Immediately"]),
    waitFor=st.sampled_from([{}, {"aliases": ["users"]}, {"policies": ["nobody"]}]),
    migrate=st.sampled_from([{}, {"mode": "Never"}, {"mode": "Check"}, {"maxParallel": 1}]),
    workloads=st.sampled_from([[], [{"kind": "Deployment", "name": "web"}]]),
)
ALIASES = st.lists(
    st.sampled_from(
        [
            alias("default"),
            alias("default", empty=True),
            alias("users"),
            alias("users", engine="mysql", secret="none"),
            alias("reports", migrate={"dependsOn": ["users"]}),
            alias("reports", migrate={"dependsOn": ["reports"]}),
            alias("r1", inheritFrom="users", role="Replica", host="r1.example"),
            alias(
                "direct", migrate={"connection": {"credentials": {"secretRef": {"name": "ddl"}}}}
            ),
            served("reports", inheritFrom="users", role="Replica"),
            made("users"),
            told(made("users", provision={"readOnly": True})),
            told(made("default"), Reason.DATABASE_LOST),
            alias("wrong", engine="nothing.of.the.kind", options={"pool": True}, connMaxAge=3),
        ]
    ),
    max_size=6,
)
OTHERS = st.lists(
    st.sampled_from(
        [
            secret(),
            secret("ddl", username="ddl", password="x"),
            secret("shop-databases"),
            secret("shop-migrate"),
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop-databases"}},
            policy("all", everything_to("default")),
            policy("typo", everything_to("usrs")),
            server(),
            server(checkLogins=True, tls={"mode": "require"}),
            a_binding("users"),
            a_binding("default", login="b"),
            WEB,
        ]
    ),
    max_size=6,
)
ENDS = st.lists(st.sampled_from([None, 0, 2, 3, 4, 5, 6, 8, 9]), min_size=4, max_size=4)


@settings(max_examples=40)
@given(PROJECTS, ALIASES, OTHERS, ENDS)
def test_passes_over_any_namespace_come_to_rest(
    declared: JSON, aliases: list[JSON], others: list[JSON], ends: list[int | None]
) -> None:
    """Also with Jobs in any state: the pass after the last that did something does nothing."""
    scene = Scene().put(declared, *aliases, *others)
    scene.now = BEGINNING
    scene.settle(passes=12)
    scene.wait(10).settle(passes=12)
    for end in ends:
        end_some(scene, end)
        scene.settle(passes=12)
    scene.wait(3600).settle(passes=12)


def end_some(scene: Scene, code: int | None) -> None:
    """Let the first open Job end with a code, or vanish."""
    for job in scene.all("Job"):
        if "status" in job:
            continue
        if code is None:
            scene.drop("Job", job["metadata"]["name"])
        else:
            labels = job["metadata"]["labels"]
            scene.end_job(labels["dbalias.dev/alias"], code=code, reason="MigrationFailed")
        return


@settings(max_examples=100)
@given(PROJECTS, ALIASES, OTHERS, st.data())
def test_a_plan_is_made_of_any_object(
    declared: JSON, aliases: list[JSON], others: list[JSON], data: st.DataObject
) -> None:
    """Also where a field holds what nobody would write: it is named, and nothing raises."""
    scene = Scene().put(declared, *aliases, *others, *left_behind(declared, aliases))
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.sampled_from(sorted(scene.cluster.objects, key=str)))
        spoil(scene.cluster.objects[place], data)
    before = copy.deepcopy(scene.cluster.objects)
    scene.plan()
    assert scene.cluster.objects == before


def left_behind(declared: JSON, aliases: list[JSON]) -> list[JSON]:
    """Return what a settled project of the same objects would have published and started."""
    scene = Scene().put(declared, *aliases, secret()).settle(passes=12)
    kinds = {RESOURCES[kind] for kind in ("ConfigMap", "Job")}
    return [
        body
        for (resource, space, _), body in scene.cluster.objects.items()
        if resource in kinds and space == SPACE and "ownerReferences" in body["metadata"]
    ]


def spoil(body: JSON, data: st.DataObject) -> None:
    """Put an odd value somewhere into what people can write: ours, annotations, a ConfigMap."""
    parts = {kind.value: "spec" for kind in Kind} | {"ConfigMap": "data"}
    part = data.draw(st.sampled_from(["annotations", parts.get(body["kind"], "annotations")]))
    target = body["metadata"] if part == "annotations" else body
    inner = target.setdefault(part, {})
    while isinstance(inner, dict) and inner:
        key = data.draw(st.sampled_from(sorted(inner)))
        if key == "projectRef":  # by it the API server selects what is read at all
            return
        if not isinstance(inner[key], dict) or data.draw(st.booleans()):
            value = data.draw(st.sampled_from(ODD))
            inner[key] = value if part == "spec" else str(value)
            return
        inner = inner[key]
