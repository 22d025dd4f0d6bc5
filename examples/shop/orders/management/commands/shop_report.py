"""manage.py shop_report: write and read every model of the shop, and say where that happened."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from catalog.models import Category, Product, Tag
from customers.models import Customer
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import models

from orders.models import Order, OrderLine, ShippingMethod


class Command(BaseCommand):
    """Writes one of each, reads all back, prints a line (or JSON) a model."""

    help = "Write and read through every routed database, and print what went where."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --json."""
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        rows = [describe(instance) for instance in write_one_of_each()]
        if options["json"]:
            self.stdout.write(json.dumps(rows))
            return
        for row in rows:
            self.stdout.write(
                f"{row['model']:24} written to {row['written']:12} read from {row['read']:12}"
                f" {row['rows']} rows"
            )


def write_one_of_each() -> Iterator[models.Model]:
    """Write an instance of every model, without naming a database, and yield each."""
    category, _ = Category.objects.get_or_create(name="Books")
    tag, _ = Tag.objects.get_or_create(word="new")
    product, _ = Product.objects.get_or_create(
        article="django-book", defaults={"name": "A book", "price": "29.50", "category": category}
    )
    product.tags.add(tag)
    customer, _ = Customer.objects.get_or_create(email="ada@example.org", defaults={"name": "Ada"})
    shipping = ShippingMethod.objects.earliest("pk")
    order = Order.objects.create(customer=customer, shipping=shipping)
    line = OrderLine.objects.create(order=order, article=product.article)
    user, _ = get_user_model().objects.get_or_create(username="ada")
    yield from (category, tag, product, customer, shipping, order, line, user)


def describe(instance: models.Model) -> dict[str, Any]:
    """Return the model's name, where the instance is, where reads go, and how many rows."""
    queryset = type(instance)._default_manager.all()
    return {
        "model": instance._meta.label,
        "written": instance._state.db,
        "read": queryset.db,
        "rows": queryset.count(),
    }
