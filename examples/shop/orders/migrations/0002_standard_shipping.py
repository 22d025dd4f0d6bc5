"""Adds the first way to ship."""

from django.db import migrations


def add_method(apps, schema_editor):
    """Add the shipping method to the database that is being migrated."""
    methods = apps.get_model("orders", "ShippingMethod").objects
    methods.using(schema_editor.connection.alias).create(name="Standard")


class Migration(migrations.Migration):
    """Adds the first way to ship."""

    dependencies = (("orders", "0001_initial"),)
    operations = (migrations.RunPython(add_method, migrations.RunPython.noop),)
