"""Customers."""

from django.db import models


class Customer(models.Model):
    """Someone who buys."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.name
