"""Makes a table, then fails: MariaDB keeps the table, PostgreSQL rolls it back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Makes a table, then fails: MariaDB keeps the table, PostgreSQL rolls it back."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="Half",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
            ],
        ),
        migrations.RunSQL("INSERT INTO broken_nowhere VALUES (1)"),
    )
