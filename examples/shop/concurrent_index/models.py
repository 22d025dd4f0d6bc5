"""A model with an index that is made without locking its table."""

from django.db import models


class Reading(models.Model):
    """One measured value."""

    value = models.IntegerField()

    class Meta:
        """The index of the second migration."""

        indexes = (models.Index(fields=["value"], name="concurrent_index_value"),)
