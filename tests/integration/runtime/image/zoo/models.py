"""Models that refer to each other in every way that Django knows."""

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models


class Animal(models.Model):
    """A parent of multi-table inheritance, with labels by a generic relation."""

    name = models.CharField(max_length=80)
    labels = GenericRelation("zoo.Label")


class Bird(Animal):
    """A child: its key is a constraint to its parent's table."""

    wingspan = models.IntegerField(default=0)


class Fish(Animal):
    """A proxy goes where its concrete model goes."""

    class Meta:
        """No table of its own."""

        proxy = True


class Keeper(models.Model):
    """Its animals are kept in an automatic join table."""

    animals = models.ManyToManyField(Animal)


class Note(models.Model):
    """Refers to an animal that may live elsewhere: no constraint is made."""

    animal = models.ForeignKey(Animal, on_delete=models.CASCADE, db_constraint=False)


class Label(models.Model):
    """Sticks to anything."""

    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE, db_constraint=False)
    object_id = models.PositiveIntegerField()
    thing = GenericForeignKey()


class Census(models.Model):
    """A view or a table that somebody else makes."""

    class Meta:
        """Not migrated."""

        managed = False
