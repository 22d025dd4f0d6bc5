"""The table and some rows."""

from django.db import migrations, models


def add_readings(apps, schema_editor):
    """Add a thousand rows."""
    model = apps.get_model("concurrent_index", "Reading")
    rows = model.objects.using(schema_editor.connection.alias)
    rows.bulk_create(model(value=value) for value in range(1000))


class Migration(migrations.Migration):
    """Makes and fills the table."""

    initial = True
    operations = (
        migrations.CreateModel(
            name="Reading",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("value", models.IntegerField()),
            ],
        ),
        migrations.RunPython(add_readings, migrations.RunPython.noop),
    )
