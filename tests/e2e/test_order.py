"""Objects come in any order, for apply order is nobody's promise."""

import itertools
import time
from collections.abc import Sequence
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

    def play(self, order: Sequence[str], pauses: Sequence[float]) -> None:
        """Apply the parts in this order with these pauses in between; wait until all is Ready."""
        for part, pause in zip(order, (0.0, *pauses), strict=True):
            time.sleep(pause)
            self.shop.apply(self.parts[part])
        self.shop.wait_ready()

    def check(self) -> None:
        """Tables are never dropped, so the end shows whatever was made on the way."""
        assert self.users.tables() == ON_USERS
        default = self.default.tables()
        assert "catalog_product" in default
        assert not default & NOT_ON_DEFAULT
        assert [self.shop.attempts(name) for name in ("default", "users")] == [1, 1]


def play_all(examples: Sequence[tuple[Example, Sequence[str], Sequence[float]]]) -> None:
    """Play several examples beside each other and check each."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda one: one[0].play(one[1], one[2]), examples))
    for example, _, _ in examples:
        example.check()


def test_every_order_with_short_pauses_has_the_same_end_and_is_never_stalled(
    new_shop: NewShop, api: ApiServer
) -> None:
    """All 24 orders, pauses from none to three seconds: five of quiet are waited for.

    What is between is for a busy machine, on which applying takes its time as well.
    """
    pauses = itertools.cycle([(0.0, 0.0, 0.0), (1.5, 0.0, 3.0), (0.0, 3.0, 1.5), (3.0, 3.0, 3.0)])
    with History(api) as history:
        examples = [
            (Example(new_shop(f"order-{'-'.join(order)}")), order, next(pauses))
            for order in itertools.permutations(PARTS)
        ]
        play_all(examples)
        for example, order, _ in examples:
            namespace = example.shop.namespace
            assert history.versions(namespace) > len(order)
            assert history.stalled(namespace) == []


def test_objects_that_are_waited_for_by_name_may_come_as_late_as_they_like(
    new_shop: NewShop, api: ApiServer
) -> None:
    """With `waitFor` naming all, pauses longer than the quiet time start nothing too early."""
    names = {"aliases": ["default", "users"], "policies": ["people"]}
    with History(api) as history:
        examples = [
            (Example(new_shop(f"late-{'-'.join(order)}"), waitFor=names), order, (8.0, 8.0, 8.0))
            for order in LATE
        ]
        play_all(examples)
        for example, _, _ in examples:
            assert history.stalled(example.shop.namespace) == []
