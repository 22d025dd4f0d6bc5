"""Two tables, each of which is there at once."""

from django.db import migrations, models
from gate import Gate

ID = ("id", models.BigAutoField(primary_key=True))


class Migration(migrations.Migration):
    """Not atomic on any engine."""

    atomic = False
    dependencies = (("steps", "0001_atomic"),)
    operations = (
        migrations.CreateModel("Left", [ID]),
        Gate("0002_parts during"),
        migrations.CreateModel("Right", [ID]),
    )
