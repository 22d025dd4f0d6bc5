"""Pods of an application are replaced all the time while everything about it changes."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from stage.api import JSON, ApiServer
from stage.objects import Database, application, entry, login_name, policy, project, rule, secret
from stage.play import Shop

PROGRAM = Path(__file__).parents[1] / "integration" / "publishing" / "program.py"
STAYS = (
    "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit())\n{}\nsignal.pause()"
)
REPLICAS = 2
PEOPLE = policy("people", rule(["customers", "orders"], write="users"))


def web() -> JSON:
    """Return the application as a Deployment: it uses every table, then stays until it must go."""
    program = STAYS.format(PROGRAM.read_text())
    pod = application("web", ["python", "-u", "-c", program, "1.4"])["spec"]
    pod |= {"restartPolicy": "Always", "terminationGracePeriodSeconds": 60}
    labels = {"app": "web"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


@dataclass
class Replacement:
    """Deletes a pod whenever all of them have started; knows how each that ever was ended."""

    shop: Shop
    api: ApiServer
    logs: dict[str, str] = field(default_factory=dict)
    states: dict[str, list[JSON]] = field(default_factory=lambda: defaultdict(list))

    def faults(self) -> list[str]:
        """Return every container that failed or was restarted, with what it said."""
        return [
            f"{name}: {one}\n{self.logs.get(name, '')}"
            for name, states in self.states.items()
            for one in states
            if one.get("restartCount") or _exit_code(one)
        ]

    @property
    def starts(self) -> int:
        """How many pods found every table."""
        return sum("every table is there" in log for log in self.logs.values())

    def record(self, pod: JSON) -> None:
        """Remember what a pod's status says."""
        mine = pod["metadata"]["namespace"] == self.shop.namespace
        if mine and pod["metadata"].get("labels", {}).get("app") == "web":
            found = pod["status"].get("containerStatuses") or []
            self.states[pod["metadata"]["name"]] += found

    def go_on(self, over: threading.Event) -> None:
        """Replace pods until it is over, the oldest first."""
        while not over.wait(0.5):
            pods = self.shop.objects("Pod", labelSelector="app=web")
            pods = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
            for pod in pods:
                if pod["status"].get("phase") == "Running":
                    name = pod["metadata"]["name"]
                    self.logs[name] = self.api.log(self.shop.namespace, name)
            done = [pod for pod in pods if "every table" in self.logs.get(_name(pod), "")]
            if len(done) == REPLICAS:
                oldest = min(done, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
                self.shop.delete("Pod", _name(oldest))


@contextmanager
def replaced(shop: Shop, api: ApiServer) -> Iterator[Replacement]:
    """Replace pods of the application for a block."""
    replacement, over, watch = Replacement(shop, api), threading.Event(), api.watch("Pod")

    def follow() -> None:
        for pod in watch:
            replacement.record(pod)

    with ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(follow), pool.submit(replacement.go_on, over)]
        try:
            yield replacement
        finally:
            over.set()
            watch.stop()
            for task in tasks:
                task.result()


def test_pods_started_at_any_moment_of_any_change_find_every_table(
    shop: Shop, api: ApiServer
) -> None:
    """No container fails or restarts; each pod has read and written through every model."""
    default, users, moved = shop.postgres("app"), shop.mariadb("users"), shop.postgres("moved")
    with replaced(shop, api) as replacement:
        shop.apply(web(), project(), entry("default", default))
        ready(shop, replacement, default=default)
        shop.apply(entry("users", users), PEOPLE)
        ready(shop, replacement, default=default, users=users)
        shop.delete("Secret", "shop-databases")
        shop.eventually(lambda: shop.get("Secret", "shop-databases"), what="the Secret back")
        shop.apply(with_another_login(default))
        shop.eventually(
            lambda: shop.secret("shop-databases").get("default.user", "").endswith("_b"),
            what="the new login to be published",
        )
        shop.delete("DatabaseRoutingPolicy", "people")
        shop.delete("DatabaseAlias", "users")
        ready(shop, replacement, default=default)
        source, alias = entry("default", moved)
        source["metadata"]["name"] = alias["spec"]["credentials"]["secretRef"]["name"] = "moved"
        shop.apply(source, alias)
        ready(shop, replacement, default=moved)
        shop.eventually(
            lambda: replacement.starts > 5 * REPLICAS, what="more pods than the changes needed"
        )
    assert not replacement.faults(), replacement.faults()[0]


def ready(shop: Shop, replacement: Replacement, **databases: Database) -> None:
    """Wait until exactly these are published, and pods have started with them."""

    def published() -> bool:
        found = (shop.published() or {"databases": {}})["databases"]
        names = {alias: one["settings"].get("NAME") for alias, one in found.items()}
        return names == {alias: database.name for alias, database in databases.items()}

    shop.eventually(published, what=f"{sorted(databases)} to be published")
    shop.wait_ready()
    before = replacement.starts
    shop.eventually(lambda: replacement.starts >= before + REPLICAS, what="pods to be replaced")


def with_another_login(database: Database) -> JSON:
    """Make a second login on PostgreSQL; return the objects that name it."""
    other = replace(database, user=f"{database.user}_b"[-63:], password="another-one")
    server = database.server
    server.admin_sql(f"CREATE ROLE {other.user} LOGIN PASSWORD '{other.password}'")
    server.admin_sql(f"GRANT {database.user} TO {other.user}")
    server.admin_sql(f"ALTER ROLE {other.user} SET role = {database.user}")
    (_, alias), source = entry("default", other), secret("default", other)
    source["metadata"]["name"] = alias["spec"]["credentials"]["secretRef"]["name"] = (
        f"{login_name('default')}-b"
    )
    return [source, alias]


def _exit_code(state: JSON) -> int:
    ended = [state.get(part, {}).get("terminated") for part in ("state", "lastState")]
    return max((int(one["exitCode"]) for one in ended if one), default=0)


def _name(pod: JSON) -> str:
    return str(pod["metadata"]["name"])
