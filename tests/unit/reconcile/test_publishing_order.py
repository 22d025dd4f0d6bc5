"""Whatever is changed in whatever order, an application that starts at any moment works."""

from __future__ import annotations

import itertools

from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dbalias.api.conditions import timestamp
from dbalias.api.meta import JSON
from dbalias.django.artefact import needed_files
from dbalias.reconcile.desired import build_desired
from dbalias.reconcile.final import final_revision
from dbalias.reconcile.snapshot import Memory
from integration.operator.objects import alias, policy, project, secret
from unit.reconcile.scene import BEGINNING, Scene
from unit.reconcile.starting import (
    APPS,
    Database,
    Watched,
    World,
    is_migrated,
    job_files,
    migrate,
    start,
)

ALIASES = ("default", "users", "orders")
NAMES = st.sampled_from(ALIASES)
OTHERS = st.sampled_from(ALIASES[1:])
ROUTED = st.sampled_from(("a", "b"))


class Application(RuleBasedStateMachine):
    """People edit, the operator passes, Jobs end, time goes by; pods start after each write."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Watched()
        self.scene = Scene(self.cluster)
        self.world = World(self.scene)
        self.cluster.after = self.pods_start
        self.declared: dict[str, JSON] = {}
        self.hosts: dict[str, str] = {}
        self.routes: dict[str, str] = {}
        self.image = "shop:1"
        self.numbers = itertools.count(1)
        self.faults: list[str] = []

    @initialize(inline=st.booleans(), routed=st.booleans())
    def publish_first(self, *, inline: bool, routed: bool) -> None:
        """Start from an application that runs on ``default``, perhaps on ``users`` as well."""
        self.declare("default", inline=inline)
        if routed:
            self.declare("users", inline=not inline)
            self.routes["a"] = "users"
        self.apply()
        self.settle()
        assert self.world.config_maps, "nothing is published"

    @rule(name=OTHERS, inline=st.booleans())
    def add(self, name: str, *, inline: bool) -> None:
        """Declare an alias; ``inline``: its Secret holds the address, too."""
        if name not in self.declared:
            self.declare(name, inline=inline)

    @rule(name=OTHERS)
    def remove(self, name: str) -> None:
        """Delete an alias, whether or not a policy still names it."""
        if self.declared.pop(name, None):
            self.scene.drop("DatabaseAlias", f"shop-{name}")

    @rule(app=ROUTED, name=NAMES)
    def route(self, app: str, name: str) -> None:
        """Route an app to an alias, whether or not it is declared."""
        self.routes[app] = name
        self.apply()

    @rule(app=ROUTED)
    def take_route_away(self, app: str) -> None:
        """Route an app no more."""
        self.routes.pop(app, None)
        self.apply()

    @rule(name=NAMES, inline=st.booleans())
    def move(self, name: str, *, inline: bool) -> None:
        """Let an alias lead to another server, with another login: one edit of one object."""
        if name in self.declared:
            self.declare(name, inline=inline)

    @rule(name=NAMES)
    def move_in_the_secret(self, name: str) -> None:
        """Let the Secret say another server, as one does that an operator writes."""
        if name in self.declared and "host" not in self.declared[name]["spec"]:
            self.scene.put(self.login(name, self.secret_of(name), inline=True))

    @rule(name=NAMES)
    def rotate(self, name: str) -> None:
        """Give the login another name and password, both valid from before the edit."""
        if name in self.declared:
            inline = "host" not in self.declared[name]["spec"]
            self.scene.put(
                self.login(name, self.secret_of(name), inline=inline, host=self.hosts[name])
            )

    @rule(name=OTHERS)
    def lose_the_source(self, name: str) -> None:
        """Delete the Secret that an alias refers to, while something is published to keep."""
        there = name in self.declared and self.scene.get("Secret", self.secret_of(name))
        if there and self.scene.document() is not None:
            self.scene.drop("Secret", self.secret_of(name))

    @rule(kind=st.sampled_from(["ConfigMap", "Secret"]))
    def lose_the_published(self, kind: str) -> None:
        """Delete what is published; the operator brings it back before anything else is done.

        Not where it alone knows of a database that is being left, or that nobody declares.
        """
        if self.scene.get(kind, "shop-databases") and not self.is_all_memory(kind):
            self.scene.drop(kind, "shop-databases")
            self.look()

    def is_all_memory(self, kind: str) -> bool:
        """Tell whether an object alone knows what is published."""
        document = self.scene.document()
        memory = Memory(quiet_from=BEGINNING, salt="salt")
        snapshot = self.scene.gather(memory)
        desired = build_desired(snapshot)
        if document is None:
            return True
        if kind == "ConfigMap":
            is_final = document["revision"] == final_revision(desired)
            return not is_final or bool(desired.resolution.problems)
        entries = desired.resolution.entries.values()
        declared = {name for entry in entries for name in entry.secret_data}
        return not needed_files(document) <= declared

    @rule()
    def deploy(self) -> None:
        """Take the image with one more app."""
        self.image = "shop:2"
        self.apply()

    @rule(seconds=st.sampled_from([1, 3, 7, 30, 100, 200]))
    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.scene.wait(seconds)

    @rule()
    def look(self) -> None:
        """Let the operator pass."""
        self.scene.reconcile()

    @rule(fails=st.booleans())
    def end_jobs(self, *, fails: bool) -> None:
        """Let every Job that runs come to its end, or be evicted."""
        for job in self.scene.all("Job"):
            if "status" not in job:
                self.end(job, fails=fails)

    @invariant()
    def pods_start(self) -> None:
        """Start a process of each release with each volume that there may be."""
        self.world.note()
        for files in self.world.volumes():
            for image in APPS:
                if image == "shop:1" or is_migrated(self.world, files, image):
                    self.faults += start(self.world, files, image)
        assert not self.faults, self.faults

    def teardown(self) -> None:
        """In the end everything comes to rest."""
        self.settle()

    def settle(self) -> None:
        """Let passes and Jobs go on until nothing is left to do."""
        for _ in range(6):
            self.scene.wait(6).settle(passes=12)
            self.end_jobs(fails=False)
            self.scene.settle(passes=12)

    def end(self, job: JSON, *, fails: bool) -> None:
        """Let one Job do its work on the model of its database, or fail before it began."""
        labels = job["metadata"]["labels"]
        container = job["spec"]["template"]["spec"]["containers"][0]
        name, image = labels["dbalias.dev/alias"], container["image"]
        code = 4 if fails else migrate(self.world, name, job_files(self.scene, job), image)
        note(f"job of {name} ends with {code}")
        reasons = {0: "Migrated", 4: "DatabaseUnreachable", 8: "LoginRefused", 9: "MissingTables"}
        self.scene.end_job(name, code=code, reason=reasons[code])

    def declare(self, name: str, *, inline: bool) -> None:
        """Apply an alias on a new server, with a Secret of its own."""
        source = f"{name}-{next(self.numbers)}"
        self.scene.put(self.login(name, source, inline=inline))
        body = alias(name, engine="postgresql")
        keys = {key: key for key in ("user", "password", *(["host"] if inline else []))}
        body["spec"] |= {
            "credentials": {"secretRef": {"name": source}, "keys": keys},
            "name": "app",
        }
        for field in ("user", *(["host"] if inline else [])):
            del body["spec"][field]
        if not inline:
            body["spec"]["host"] = self.hosts[name]
        self.declared[name] = body
        self.edit(body)

    def login(self, name: str, source: str, *, inline: bool, host: str = "") -> JSON:
        """Return the Secret ``source`` with a new login; on a new server unless one is named."""
        number = next(self.numbers)
        self.hosts[name] = host or f"{name}-{number}.db"
        user, password = f"user{number}", f"password{number}"
        address = (self.hosts[name], "app")
        self.world.databases.setdefault(address, Database()).logins.add((user, password))
        data = {"user": user, "password": password}
        return secret(source, **data, **({"host": self.hosts[name]} if inline else {}))

    def secret_of(self, name: str) -> str:
        """Return the name of the Secret that an alias refers to."""
        return str(self.declared[name]["spec"]["credentials"]["secretRef"]["name"])

    def apply(self) -> None:
        """Apply the project and its one policy, or delete the policy with its last rule."""
        self.edit(project(image=self.image))
        rules = [{"match": {"apps": [app]}, "write": at} for app, at in self.routes.items()]
        if rules:
            self.edit(policy("p", *rules))
        elif self.scene.get("DatabaseRoutingPolicy", "p"):
            self.scene.drop("DatabaseRoutingPolicy", "p")

    def edit(self, body: JSON) -> None:
        """Apply an object as somebody does now: it keeps its identity and its status."""
        now = timestamp(self.scene.now)
        found = self.scene.get(body["kind"], body["metadata"]["name"])
        meta = {"creationTimestamp": now} | (found["metadata"] if found else body["metadata"])
        meta |= {"generation": meta.get("generation", 0) + 1}
        meta |= {"managedFields": [{"manager": "kubectl", "operation": "Apply", "time": now}]}
        self.scene.put({**(found or {}), **body, "metadata": meta})


Application.TestCase.settings = settings(max_examples=20, stateful_step_count=20)
TestApplication = Application.TestCase
