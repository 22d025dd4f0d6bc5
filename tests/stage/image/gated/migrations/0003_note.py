"""Adds a column outside a transaction, and stands still: half-done on any server."""

from django.db import migrations, models

from gated import through


class Migration(migrations.Migration):
    """Adds a column."""

    atomic = False
    dependencies = (("gated", "0002_data"),)
    operations = (
        migrations.AddField("effect", "note", models.CharField(max_length=20, default="")),
        migrations.RunPython(through("third"), migrations.RunPython.noop),
    )
