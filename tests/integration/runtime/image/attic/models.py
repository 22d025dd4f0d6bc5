"""Boxes as the last migration leaves them."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Box(models.Model):
    """A box in the attic."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=50)
    shelf = models.CharField(max_length=20, default="")
    colour = models.CharField(max_length=30)
    seen = models.DateTimeField(default=timezone.now)
