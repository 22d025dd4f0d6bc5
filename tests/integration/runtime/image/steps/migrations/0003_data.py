"""Data, whose effect must be there once."""

from django.db import migrations
from gate import pass_gate


def put_up_a_shelf(apps, schema_editor):
    """Insert a row, and stand at a gate in the same transaction."""
    shelves = apps.get_model("steps", "Shelf").objects.using(schema_editor.connection.alias)
    shelves.create(name="poetry")
    pass_gate("0003_data during")


class Migration(migrations.Migration):
    """One row."""

    dependencies = (("steps", "0002_parts"),)
    operations = (migrations.RunPython(put_up_a_shelf),)
