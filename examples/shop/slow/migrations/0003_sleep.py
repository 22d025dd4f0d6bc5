"""Sleeps in the database for SHOP_SLOW_SECONDS (2)."""

from django.db import migrations

from slow import sleep_in_database


class Migration(migrations.Migration):
    """Takes its time."""

    dependencies = (("slow", "0002_sleep"),)
    operations = (migrations.RunPython(sleep_in_database, migrations.RunPython.noop),)
