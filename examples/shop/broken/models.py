"""A model whose table is made just before the migration fails."""

from django.db import models


class Half(models.Model):
    """On MariaDB its table stays; PostgreSQL rolls it back."""
