"""All that destroys something or breaks the release before it, and code that nobody can judge."""

from __future__ import annotations

from django.db import migrations, models
from django.utils import timezone


def dust(apps, schema_editor):
    """Write a row: a plan must never do this."""
    boxes = apps.get_model("attic", "Box").objects.using(schema_editor.connection.alias)
    number = boxes.count() + 1
    boxes.create(label=f"dust {number}", shelf=f"{number} a", colour=f"grey {number}")


class Migration(migrations.Migration):
    """One operation of each kind."""

    dependencies = (("attic", "0001_initial"),)

    operations = (
        migrations.RunPython(dust, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(dust, migrations.RunPython.noop)]
        ),
        migrations.AddField("box", "seen", models.DateTimeField(default=timezone.now)),
        migrations.AlterField("box", "colour", models.CharField(max_length=10)),
        migrations.AlterField("box", "shelf", models.CharField(max_length=20, default="")),
        migrations.RenameField("box", "label", "name"),
        migrations.RemoveField("box", "junk"),
        migrations.DeleteModel("Moth"),
        migrations.RunSQL("UPDATE attic_box SET colour = 'grey'", migrations.RunSQL.noop),
    )
