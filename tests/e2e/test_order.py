"""Objects come in any order, for apply order is nobody's promise."""

import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from stage.api import JSON, ApiServer
from stage.objects import Database, entry, policy, project, rule
from stage.play import NewShop, Shop
from stage.watching import History

PARTS = ("project", "default", "users", "people")
LATE = (
    ("project", "default", "users", "people"),
    ("people", "default", "project", "users"),
    ("users", "default", "project", "people"),
    ("default", "people", "users", "project"),
)
AT_ONCE = 6
PLAYS = 8
QUIET = 4.0
"""Seconds after which a run may start: five less what Kubernetes cuts off its times."""
Order = tuple[str, ...]
Pauses = tuple[float, ...]
ON_USERS = {
    "django_migrations", "customers_customer", "orders_shippingmethod", "orders_order",
    "orders_orderline",
}  # fmt: skip
NOT_ON_DEFAULT = ON_USERS - {"django_migrations"}


class Example:
    """The guide's first example in one namespace, to be applied part by part."""

    def __init__(self, shop: Shop, **project_spec: JSON) -> None:
        self.shop = shop
        self.default: Database = shop.postgres("app_data")
        self.users: Database = shop.mariadb("user_data")
        self.parts: dict[str, JSON] = {
            "project": project(**project_spec),
            "default": entry("default", self.default),
            "users": entry("users", self.users),
            "people": policy("people", rule(["customers", "orders"], write="users")),
        }

    def play(self, order: Sequence[str], pauses: Sequence[float], *, quiet: float) -> bool:
        """Apply the parts in this order with these pauses in between; wait until all is Ready.

        False, and at once, when a part came so late that what was there had stood still.
        """
        before = math.inf
        for part, pause in zip(order, (0.0, *pauses), strict=True):
            time.sleep(pause)
            begun = time.monotonic()
            self.shop.apply(self.parts[part])
            if time.monotonic() - before >= quiet:
                return False
            before = begun
        self.shop.wait_ready()
        return True

    def check(self) -> None:
        """Tables are never dropped, so the end shows whatever was made on the way."""
        assert self.users.tables() == ON_USERS
        default = self.default.tables()
        assert "catalog_product" in default
        assert not default & NOT_ON_DEFAULT
        assert [self.shop.attempts(name) for name in ("default", "users")] == [1, 1]


def play_all(
    make: Callable[[Order], Example], pauses: Mapping[Order, Pauses], *, quiet: float = math.inf
) -> list[Example]:
    """Play these orders beside each other, again those that this machine held up; check each."""
    done: list[Example] = []
    left = dict(pauses)
    for _ in range(PLAYS):
        examples = {order: make(order) for order in left}

        def play(order: Order, examples: Mapping[Order, Example] = examples) -> bool:
            return examples[order].play(order, pauses[order], quiet=quiet)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            in_time = dict(zip(left, pool.map(play, left), strict=True))
        done += [examples[order] for order in left if in_time[order]]
        left = {order: left[order] for order in left if not in_time[order]}
    assert not left, f"this machine held up each of {PLAYS} plays of {list(left)}"
    for example in done:
        example.check()
    return done


def test_every_order_with_short_pauses_has_the_same_end_and_is_never_stalled(
    new_shop: NewShop, api: ApiServer
) -> None:
    """All 24 orders, pauses from none to three seconds: five of quiet are waited for.

    What is between is for a busy machine, on which applying takes its time as well.
    """
    pauses = itertools.cycle([(0.0, 0.0, 0.0), (1.5, 0.0, 3.0), (0.0, 3.0, 1.5), (3.0, 3.0, 3.0)])

    def make(order: Order) -> Example:
        return Example(new_shop(f"order-{'-'.join(order)}"))

    with History(api) as history:
        orders = {order: next(pauses) for order in itertools.permutations(PARTS)}
        for example in play_all(make, orders, quiet=QUIET):
            namespace = example.shop.namespace
            assert history.versions(namespace) > len(PARTS)
            assert history.stalled(namespace) == []


def test_objects_that_are_waited_for_by_name_may_come_as_late_as_they_like(
    new_shop: NewShop, api: ApiServer
) -> None:
    """With `waitFor` naming all, pauses longer than the quiet time start nothing too early."""
    names = {"aliases": ["default", "users"], "policies": ["people"]}

    def make(order: Order) -> Example:
        return Example(new_shop(f"late-{'-'.join(order)}"), waitFor=names)

    with History(api) as history:
        for example in play_all(make, dict.fromkeys(LATE, (8.0, 8.0, 8.0))):
            assert history.stalled(example.shop.namespace) == []
