"""Models of apps that are not installed: routers look at what kind they are, and at names."""

from __future__ import annotations

from django.db import models


class Customer(models.Model):
    """A concrete model."""

    class Meta:
        """Belongs to the shop."""

        app_label = "shop"


class Regular(Customer):
    """A proxy of it."""

    class Meta:
        """No table of its own."""

        app_label = "shop"
        proxy = True


class Vip(Customer):
    """A child with a table of its own, beside that of its parent."""

    class Meta:
        """Belongs to the office."""

        app_label = "office"


class Buyer(models.Model):
    """A model that a project may put its own in the place of."""

    class Meta:
        """Belongs to the shop."""

        app_label = "shop"
        swappable = "SHOP_BUYER_MODEL"


class Order(models.Model):
    """A model with an automatic join table."""

    customers = models.ManyToManyField(Customer)

    class Meta:
        """Belongs to the shop."""

        app_label = "shop"


class Invoice(models.Model):
    """A model of another app."""

    class Meta:
        """Belongs to the office."""

        app_label = "office"


JoinTable = Order.customers.through
