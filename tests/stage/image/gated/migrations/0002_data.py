"""Adds a row, and stands still before the row is committed."""

from django.db import migrations

from gated import pass_gate, through


class Migration(migrations.Migration):
    """Adds a row."""

    dependencies = (("gated", "0001_effect"),)
    operations = (migrations.RunPython(through("second", "second"), migrations.RunPython.noop),)

    @property
    def atomic(self):
        """True; who asks does so before it begins the migration, so here is between two."""
        pass_gate("between")
        return True
