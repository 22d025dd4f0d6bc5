"""Not atomic, with an operation of the project's own that writes as it goes."""

from __future__ import annotations

from django.db import migrations, models


class Sweep(migrations.operations.base.Operation):
    """Work that tells no SQL: it is done through a cursor of its own."""

    reversible = True

    def state_forwards(self, app_label, state):
        """Change no model."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        """Write through the connection, past the schema editor."""
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("DELETE FROM attic_box WHERE colour = 'grey'")

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        """Bring nothing back."""

    def describe(self):
        """Say what it does."""
        return "Sweep the attic"


class Migration(migrations.Migration):
    """Not atomic."""

    atomic = False
    dependencies = (("attic", "0002_tidy_up"),)

    operations = (
        Sweep(),
        migrations.AlterField("box", "colour", models.CharField(max_length=30)),
        migrations.AddConstraint(
            "box",
            models.UniqueConstraint(
                fields=["name"],
                name="attic_named_once",
                condition=models.Q(colour__in={"red", "green", "blue", "white", "pink"}),
            ),
        ),
    )
