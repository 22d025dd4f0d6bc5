"""Data that the shop cannot do without; running it twice would fail on the unique name."""

from django.db import migrations

NAMES = ("Books", "Records")


def add_categories(apps, schema_editor):
    """Add the first categories to the database that is being migrated."""
    categories = apps.get_model("catalog", "Category").objects.using(schema_editor.connection.alias)
    for name in NAMES:
        categories.create(name=name)


class Migration(migrations.Migration):
    """Adds the first categories."""

    dependencies = (("catalog", "0001_initial"),)
    operations = (migrations.RunPython(add_categories, migrations.RunPython.noop),)
