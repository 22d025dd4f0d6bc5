"""What the migrations leave: one row for each that adds data, so that a second run would show."""

from django.db import models


class Effect(models.Model):
    """A row that a data migration added; nothing but the count says how often."""

    word = models.CharField(max_length=20)
    note = models.CharField(max_length=20, default="")
