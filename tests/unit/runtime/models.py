"""Models of an app that is not installed: routers look at their names only."""

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
