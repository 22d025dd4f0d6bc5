"""Adds another row, without a gate."""

from django.db import migrations


def add_row(apps, schema_editor):
    """Add a row to the database that is being migrated."""
    effects = apps.get_model("gated", "Effect").objects
    effects.using(schema_editor.connection.alias).create(word="fourth")


class Migration(migrations.Migration):
    """Adds another row."""

    dependencies = (("gated", "0003_note"),)
    operations = (migrations.RunPython(add_row, migrations.RunPython.noop),)
