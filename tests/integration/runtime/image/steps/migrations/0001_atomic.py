"""One transaction where the engine has them for DDL; indexes and foreign key come at its end."""

import django.db.models.deletion
from django.db import migrations, models
from gate import Gate

ID = ("id", models.BigAutoField(primary_key=True))
NAME = ("name", models.CharField(max_length=50, db_index=True))
SHELF = ("shelf", models.ForeignKey("steps.Shelf", django.db.models.deletion.CASCADE))


class Migration(migrations.Migration):
    """Two tables, and a gate between them."""

    initial = True
    operations = (
        migrations.CreateModel("Shelf", [ID, NAME]),
        Gate("0001_atomic during"),
        migrations.CreateModel("Book", [ID, SHELF]),
    )
