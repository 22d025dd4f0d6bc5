"""Workloads and a release: who restarts when, who waits, and what Flux and Argo CD say."""

import itertools

from stage.api import JSON, ApiServer
from stage.images import SHOP_1_5
from stage.judged import KINDS, judged, wrongly_judged
from stage.objects import application, entry, policy, project, rule, secret
from stage.play import Shop, is_complete
from stage.watching import History

WATCHED = (*KINDS, "Deployment")
SLOW = {"SHOP_EXTRA_APPS": "slow", "SHOP_SLOW_SECONDS": "2"}
BROKEN = {"SHOP_EXTRA_APPS": "broken"}
WEB = [{"kind": "Deployment", "name": "web"}]
PEOPLE = policy("people", rule(["customers", "orders"], write="users"))
SESSIONS = policy("sessions", rule(["sessions"], write="sessions"))
REVISION, CREDENTIALS = "dbalias.dev/revision", "dbalias.dev/credentials-revision"
STAYS = "import signal; signal.sigwait([signal.SIGTERM])"


def web() -> JSON:
    """Return the application as a Deployment: its pods wait for migrations, without a token."""
    pod = application("web", ["python", "-c", STAYS])["spec"]
    (container,) = pod["containers"]
    wait = {
        **container, "name": "wait",
        "command": ["python", "/etc/dbalias/dbalias_wait.py", "--timeout=300"],
    }  # fmt: skip
    pod |= {"restartPolicy": "Always", "automountServiceAccountToken": False}
    pod |= {"initContainers": [wait], "terminationGracePeriodSeconds": 1}
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def templates(versions: list[JSON]) -> list[tuple[int, JSON]]:
    """Return each pod template that the Deployment ever had, with the version that brought it."""
    found = [one for one in versions if one["kind"] == "Deployment"]
    changed = itertools.groupby(found, key=lambda one: one["spec"]["template"])
    return [(_version(next(group)), template) for template, group in changed]


def stamps(shop: Shop) -> JSON:
    """Return the annotations of the Deployment's pod template."""
    return shop.fetch("Deployment", "web")["spec"]["template"]["metadata"].get("annotations", {})


def completions(versions: list[JSON]) -> dict[str, int]:
    """Return the version in which each Job was first seen complete."""
    found: dict[str, int] = {}
    for one in versions:
        if one["kind"] == "Job" and is_complete(one):
            found.setdefault(one["metadata"]["name"], _version(one))
    return found


def _version(one: JSON) -> int:
    return int(one["metadata"]["resourceVersion"])


def test_pods_that_wait_for_migrations_are_no_deadlock_and_restart_once_for_a_release(
    shop: Shop, api: ApiServer
) -> None:
    """Applied all at once; then image, alias and policy change, the last alias is slow."""
    default, users = shop.postgres("app"), shop.mariadb("users")
    with History(api, WATCHED) as history:
        shop.apply(web(), project(workloads=WEB), entry("default", default), entry("users", users),
                   PEOPLE)  # fmt: skip
        shop.wait_ready()
        shop.eventually(lambda: _is_rolled_out(shop), what="web to be there")
        first = templates(history.seen(shop.namespace))
        names = {"aliases": ["default", "users", "sessions"], "policies": ["people", "sessions"]}
        shop.apply(project(image=SHOP_1_5, env=SLOW, workloads=WEB, waitFor=names))
        shop.apply(entry("sessions", shop.postgres("sessions")), SESSIONS)
        shop.expect("Migrated", "True", alias="sessions")
        shop.wait_ready()
        shop.eventually(lambda: _is_rolled_out(shop), what="web to be new")
        seen = history.seen(shop.namespace)
    changed = templates(seen)[len(first) :]
    assert len(changed) == 1, changed
    ((at, template),) = changed
    assert template["metadata"]["annotations"][REVISION] == shop.published()["revision"]
    assert len(completions(seen)) == 5
    assert max(completions(seen).values()) < at
    told = judged(seen)
    assert wrongly_judged(told) == []
    assert {"Current", "InProgress"} == {verdict.kstatus.value for _, verdict in told}
    (pod,) = [one for one in shop.objects("Pod", labelSelector="app=web") if _stays(one)]
    assert all("serviceAccountToken" not in str(volume) for volume in pod["spec"]["volumes"])


def test_failed_alias_holds_workloads_back_but_not_their_credentials(
    shop: Shop, api: ApiServer
) -> None:
    """One restart for the new password at once, the one for new settings once it is mended."""
    default, users = shop.postgres("app"), shop.postgres("users")
    with History(api, WATCHED) as history:
        shop.apply(web(), project(workloads=WEB), entry("default", default))
        shop.wait_ready()
        shop.eventually(lambda: _is_rolled_out(shop), what="web to be there")
        before = stamps(shop)
        shop.apply(
            project(env=BROKEN, workloads=WEB), entry("users", users),
            policy("people", rule(["customers", "orders", "broken"], write="users")),
        )  # fmt: skip
        shop.expect("Migrated", "False", reason="MigrationFailed", alias="users")
        shop.apply(secret("default", default.with_password("another-one")))
        shop.eventually(
            lambda: stamps(shop)[CREDENTIALS] != before[CREDENTIALS], what="the new password's mark"
        )
        assert stamps(shop)[REVISION] == before[REVISION]

        shop.apply(project(workloads=WEB))
        shop.wait_ready()
        shop.eventually(
            lambda: stamps(shop)[REVISION] != before[REVISION], what="the new settings' mark"
        )
        assert stamps(shop)[REVISION] == shop.published()["revision"] != before[REVISION]
        told = judged(history.seen(shop.namespace))
    assert wrongly_judged(told) == []
    assert {"Current", "InProgress", "Failed"} == {verdict.kstatus.value for _, verdict in told}


def _is_rolled_out(shop: Shop) -> bool:
    found = shop.fetch("Deployment", "web")
    status = found.get("status", {})
    return bool(
        status.get("observedGeneration") == found["metadata"]["generation"]
        and status.get("availableReplicas") == status.get("updatedReplicas") == 1
        and status.get("replicas") == 1
        and shop.condition("RolledOut").get("status") == "True"
    )


def _stays(pod: JSON) -> bool:
    return "deletionTimestamp" not in pod["metadata"] and pod["status"]["phase"] == "Running"
