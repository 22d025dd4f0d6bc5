"""The application is restarted at every moment of every change, and finds all of its tables.

On a real API server with the real operator, the real runner and real databases. A new pod is
started for each write, with every pair of ConfigMap and Secret that a kubelet could show it.
"""

from __future__ import annotations

import itertools
import json
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import quote

from integration.operator.objects import Body, alias, policy, project, secret
from integration.operator.operating import wait_until
from integration.operator.workbench import Space
from integration.publishing.node import STALE, Node, Restarts
from localkube.databases import DatabaseServer, MariaDBServer, PostgresServer
from unit.reconcile.starting import DATABASES, content

_numbers = itertools.count(1)
PEOPLE = ["customers", "orders"]


@dataclass(frozen=True, slots=True)
class Database:
    """A database and one login of it."""

    server: DatabaseServer
    name: str
    user: str
    password: str

    def entry(self, name: str, **spec: Body) -> list[Body]:
        """Return an alias for it, and a Secret of its own."""
        source = f"{name}-{self.user.replace('_', '-')}"
        place = {"engine": self.server.engine, "host": self.server.host, "port": self.server.port,
                 "name": self.name, "user": self.user}  # fmt: skip
        body = alias(name, secret=source)
        body["spec"] |= place | spec
        return [secret(source, password=self.password), body]

    def url(self) -> str:
        """Return its URL."""
        scheme = "postgresql" if isinstance(self.server, PostgresServer) else "mysql"
        place = f"{self.server.host}:{self.server.port}/{self.name}"
        return f"{scheme}://{self.user}:{quote(self.password, safe='')}@{place}"

    def with_another_login(self) -> Database:
        """Give the database a second login that may do all that the first may."""
        user, password = f"{self.user}b", secrets.token_urlsafe(9)
        for statement in (
            [f"CREATE ROLE {user} LOGIN PASSWORD '{password}' IN ROLE {self.user}",
             f"ALTER ROLE {user} SET role = {self.user}"]
            if isinstance(self.server, PostgresServer)
            else [f"CREATE USER {user}@'%' IDENTIFIED BY '{password}'",
                  f"GRANT ALL ON {self.name}.* TO {user}@'%'"]
        ):  # fmt: skip
            self.server.admin_sql(statement)
        return replace(self, user=user, password=password)


def a_database(server: DatabaseServer) -> Database:
    """Make a database with a login."""
    name = f"app_{next(_numbers)}"
    database = Database(server, name, f"{name}_user", secrets.token_urlsafe(9))
    server.create_database(database.name, database.user, database.password)
    return database


@dataclass(frozen=True, slots=True)
class Story:
    """One namespace in which things change while its application restarts."""

    node: Node
    space: Space
    restarts: Restarts

    def apply(self, *bodies: Body) -> None:
        """Apply objects in one go."""
        self.space.apply(*bodies)

    def until(self, holds: Callable[[Body], bool], what: str) -> None:
        """Wait until the published document is as it should be in the end, and all is Ready."""

        def ended() -> bool:
            return bool(self.document() and holds(self.document()) and self.is_ready())

        try:
            wait_until(ended, seconds=120, what=what)
            while left := self.restarts.untried:  # as long as starts go on: each takes a while
                wait_until(partial(self._differs_from, left), seconds=120, what="a start with each")
        except AssertionError as error:
            status = (self.space.get("djp", "shop") or {}).get("status")
            raise AssertionError(f"{what}: {status}") from error

    def _differs_from(self, left: set[str]) -> bool:
        return self.restarts.untried != left

    def document(self) -> Body:
        """Return what is published; {} while nothing is."""
        body = self.node.api.get("ConfigMap", self.space.name, DATABASES)
        return dict(json.loads(body["data"]["databases.json"])) if body else {}

    def is_ready(self) -> bool:
        """Tell whether the project is Ready."""
        body = self.node.api.get("DjangoProject", self.space.name, "shop") or {}
        listed = body.get("status", {}).get("conditions", ())
        return any(one["type"] == "Ready" and one["status"] == "True" for one in listed)

    def stored(self) -> dict[str, str]:
        """Return the published Secret; empty while there is none."""
        body = self.node.api.get("Secret", self.space.name, DATABASES) or {"data": {}}
        return {name: content("Secret", text).decode() for name, text in body["data"].items()}

    def until_has(self, *aliases: str) -> None:
        """Wait until exactly these aliases are published."""
        self.until(lambda found: set(found["databases"]) == set(aliases), f"{aliases} published")

    def name_of(self, name: str) -> str:
        """Return the database that an alias is published with."""
        return str(self.document()["databases"][name]["settings"].get("NAME"))


@contextmanager
def a_story(node: Node, name: str, **env: str) -> Iterator[Story]:
    """Open a namespace; at its end no start may have failed."""
    space = node.bench.namespace(name)
    with Restarts(node, space.name, **env) as restarts:
        yield Story(node, space, restarts)
    print(f"{name}: {restarts.starts} starts with {restarts.tried} different volumes")
    assert not restarts.faults, f"{name}: {len(restarts.faults)}: {restarts.faults[0]}"


def to(write: str, *apps: str) -> Body:
    """Return a rule."""
    return {"match": {"apps": list(apps or PEOPLE)}, "write": write}


def shop(image: str = "1.4", **spec: Body) -> Body:
    """Return the project."""
    base: Body = {"settings": {"module": "shop.settings"}, "image": f"shop:{image}"}
    return project(**(base | spec))


def aliases_come_and_go(node: Node, postgres: DatabaseServer, mariadb: DatabaseServer) -> None:
    """First publication, a new alias with its policy, a renamed one, removals in each order."""
    default, users = a_database(postgres), a_database(mariadb)
    with a_story(node, "aliases") as story:
        story.apply(shop(), *default.entry("default"))
        story.until_has("default")
        story.apply(*users.entry("users"), policy("people", to("users")))
        story.until_has("default", "users")
        story.apply(*users.entry("people"), policy("people", to("people")))
        story.space.delete("dba", "shop-users")
        story.until_has("default", "people")
        story.space.delete("dba", "shop-people")  # the policy still names it: nothing changes
        story.space.wait_for("djp", "shop", reason="AliasNotFound")
        assert "people" in story.document()["databases"]
        story.space.delete("dbrp", "people")
        story.until_has("default")
        story.apply(*users.entry("users"), policy("people", to("users")))
        story.until_has("default", "users")
        story.space.delete("dbrp", "people")  # users would want every table: the routes stay
        story.space.wait_for("dba", "shop-users", reason="MissingTables", seconds=90)
        assert story.document()["routers"]
        story.space.delete("dba", "shop-users")
        story.until_has("default")


def databases_move(node: Node, postgres: DatabaseServer, mariadb: DatabaseServer) -> None:
    """Another name with another login, another engine, another URL in the same Secret."""
    first, second, third, fourth = (
        a_database(server) for server in (postgres, postgres, mariadb, mariadb)
    )
    with a_story(node, "moves") as story:
        story.apply(shop(), *first.entry("default"))
        story.until(lambda found: story.name_of("default") == first.name, "published")
        story.apply(*second.entry("default"))
        story.until(lambda found: story.name_of("default") == second.name, "moved")
        story.apply(*third.entry("default"))
        story.until(lambda found: story.name_of("default") == third.name, "another engine")
        before = story.document()["databases"]
        url = alias("default", secret="url", engine="mysql")
        for field in ("name", "host", "user"):
            del url["spec"][field]
        url["spec"]["credentials"]["preset"] = "URL"
        story.apply(secret("url", url=third.url()), url)
        story.until(lambda found: found["databases"] != before, "by URL")
        before = story.document()["databases"]
        story.apply(secret("url", url=fourth.url()))
        story.until(lambda found: found["databases"] != before, "another URL")


def logins_change(node: Node, postgres: DatabaseServer) -> None:
    """Another login, another CA, lost Secrets, a new release with a new table, a late policy."""
    default, extra = a_database(postgres), "concurrent_index"
    with a_story(node, "logins") as story:
        story.apply(shop(), *default.entry("default"))
        story.until_has("default")
        other = default.with_another_login()
        story.apply(*other.entry("default"))
        wait_until(lambda: other.user in users_of(story), what="another user")
        ca = {"mode": "prefer", "caRef": {"secretKeyRef": {"name": "ca", "key": "ca.pem"}}}
        for text in ("one", "two"):
            story.apply(secret("ca", **{"ca.pem": text}), *other.entry("default", tls=ca))
            wait_until(partial(names_certificate, story, text), what=f"the CA {text}")
            story.until_has("default")
        # Lost within moments of a change it would take the old certificate along for good.
        time.sleep(STALE.total_seconds() + 2)  # stamps are whole seconds
        story.space.delete("secret", "shop-databases")
        wait_until(story.stored, what="the Secret back")
        source = other.entry("default")[0]["metadata"]["name"]
        story.space.delete("secret", source)
        story.space.wait_for("dba", "shop-default", reason="SecretNotFound")
        story.apply(*other.entry("default", tls=ca))
        story.until_has("default")
        env = [{"name": "SHOP_EXTRA_APPS", "value": extra}]
        story.apply(shop("1.5", migrate={"pod": {"env": env}}))
        wait_until(lambda: f"{extra}_reading" in postgres.tables(default.name), what="its table")
        story.until_has("default")


def users_of(story: Story) -> str:
    """Return every user in the published Secret."""
    return str([text for name, text in story.stored().items() if name.endswith("user")])


def names_certificate(story: Story, text: str) -> bool:
    """Tell whether the published document names this certificate."""
    files = story.document()["databases"]["default"]["files"]
    return [story.stored()[name] for _, name in files] == [text]


def test_an_application_restarted_at_any_moment_starts_and_finds_its_tables(
    node: Node, postgres: PostgresServer, mariadb: MariaDBServer
) -> None:
    """Three namespaces at once, each a story of changes one after the other."""
    with ThreadPoolExecutor(3) as pool:
        stories = [
            pool.submit(aliases_come_and_go, node, postgres, mariadb),
            pool.submit(databases_move, node, postgres, mariadb),
            pool.submit(logins_change, node, postgres),
        ]
        for story in stories:
            story.result()
