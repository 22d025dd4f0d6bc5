"""Adds what release 1.5 offers."""

from django.db import migrations


def add_method(apps, schema_editor):
    """Add the shipping method to the database that is being migrated."""
    methods = apps.get_model("orders", "ShippingMethod").objects
    methods.using(schema_editor.connection.alias).create(name="Express")


class Migration(migrations.Migration):
    """Adds what release 1.5 offers."""

    dependencies = (("orders", "0002_standard_shipping"),)
    operations = (migrations.RunPython(add_method, migrations.RunPython.noop),)
