"""What the three migrations make: one as a whole, one in parts, and a row of data."""

from django.db import models


class Shelf(models.Model):
    """Made by the atomic migration."""

    name = models.CharField(max_length=50, db_index=True)


class Book(models.Model):
    """Made by it too; its foreign key and indexes are statements that Django puts off."""

    shelf = models.ForeignKey(Shelf, on_delete=models.CASCADE)


class Left(models.Model):
    """Made by the migration that is not atomic, first."""


class Right(models.Model):
    """Made by it last."""
