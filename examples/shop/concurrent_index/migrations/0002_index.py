"""CREATE INDEX CONCURRENTLY: it waits for every older snapshot of the database to go away."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the index, outside a transaction."""

    atomic = False
    dependencies = (("concurrent_index", "0001_initial"),)
    operations = (
        AddIndexConcurrently(
            model_name="reading",
            index=models.Index(fields=["value"], name="concurrent_index_value"),
        ),
    )
