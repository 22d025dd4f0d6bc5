"""Makes a table, and stands still: PostgreSQL would roll it back, MariaDB has it already."""

from django.db import migrations, models

from gated import through


class Migration(migrations.Migration):
    """Makes a table."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="Effect",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("word", models.CharField(max_length=20)),
            ],
        ),
        migrations.RunPython(through("first"), migrations.RunPython.noop),
    )
