"""Many aliases that depend on each other: fifty databases of one project, half on each server.

Their migrations wait in the database, so that time is what they take and not the processor. The
waits differ, as those of real ones do; otherwise all Django processes of a level would start in
the same moment, and what two cores need for that would be measured.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from stage.api import JSON
from stage.objects import Database, entry, project
from stage.play import Shop

APP = "slow"
STEPS = 3
"""Migrations of that app; each waits."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Aliases with what they depend on and the seconds that their migrations take.

    Every alias comes after those that it depends on.
    """

    depends: Mapping[str, tuple[str, ...]]
    seconds: Mapping[str, float]

    @property
    def critical_path(self) -> float:
        """Return the seconds that no order can do without."""
        ends: dict[str, float] = {}
        for name, on in self.depends.items():
            ends[name] = self.seconds[name] + max((ends[one] for one in on), default=0.0)
        return max(ends.values())

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables by which the shop's migrations wait."""
        each = ",".join(f"{name}={total / STEPS:.2f}" for name, total in self.seconds.items())
        return {"SHOP_EXTRA_APPS": APP, "SHOP_SLOW_SECONDS": each}

    def databases(self, shop: Shop) -> dict[str, Database]:
        """Make a database for each alias, on PostgreSQL and MariaDB in turn."""
        servers = (shop.postgres, shop.mariadb)
        return {name: servers[at % 2](name) for at, name in enumerate(self.depends)}

    def objects(self, databases: Mapping[str, Database], **project_spec: JSON) -> list[JSON]:
        """Return the project and, for each alias, its object and Secret."""
        migrate = {"maxParallel": len(self.depends), **project_spec.pop("migrate", {})}
        made = [project(env=self.environment, migrate=migrate, **project_spec)]
        for name, on in self.depends.items():
            own = {"apps": [APP], **({"dependsOn": list(on)} if on else {})}
            made += entry(name, databases[name], migrate=own)
        return made

    def play(self, migrate: Callable[[str], None]) -> None:
        """Call for each alias as soon as those that it depends on have returned, all at once."""
        started: dict[str, Future[None]] = {}

        def one(name: str) -> None:
            for dependency in self.depends[name]:
                started[dependency].result()
            migrate(name)

        with ThreadPoolExecutor(len(self.depends)) as pool:
            for name in self.depends:
                started[name] = pool.submit(one, name)
        for future in started.values():
            future.result()


def layered(*, levels: int, width: int, shortest: float, longest: float) -> Fleet:
    """Return levels of aliases, each of which depends on two of the level before.

    Waits go from ``shortest`` to ``longest`` seconds, in an order that mixes them.
    """
    depends: dict[str, tuple[str, ...]] = {}
    seconds: dict[str, float] = {}
    above: list[str] = []
    for level in range(levels):
        row = [f"a{level}{at}" if level or at else "default" for at in range(width)]
        for at, name in enumerate(row):
            on = (above[at], above[(at + 3) % width]) if above else ()
            depends[name] = tuple(dict.fromkeys(on))
            seconds[name] = shortest + (longest - shortest) * (7 * len(seconds) % 11) / 10
        above = row
    return Fleet(depends, seconds)
