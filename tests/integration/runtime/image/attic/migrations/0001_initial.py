"""Boxes, unique in two ways: Django keeps those as sets, whose order no process shares."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Two tables."""

    initial = True
    dependencies = ()

    operations = (
        migrations.CreateModel(
            name="Box",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("label", models.CharField(max_length=50)),
                ("shelf", models.CharField(max_length=20, null=True)),
                ("colour", models.CharField(max_length=20)),
                ("junk", models.TextField(default="")),
            ],
        ),
        migrations.CreateModel(
            name="Moth",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("box", models.ForeignKey("attic.Box", models.CASCADE)),
            ],
        ),
        migrations.AlterUniqueTogether(
            name="box",
            unique_together={("label", "shelf"), ("shelf", "colour"), ("label", "colour")},
        ),
    )
