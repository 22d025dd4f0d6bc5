"""Makes the tables of the catalogue."""

from django.db import migrations, models
from django.db.models import deletion


class Migration(migrations.Migration):
    """Makes the tables of the catalogue."""

    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="Category",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("word", models.SlugField(unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Product",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("article", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=200)),
                ("price", models.DecimalField(decimal_places=2, max_digits=9)),
                ("category", models.ForeignKey(on_delete=deletion.PROTECT, to="catalog.category")),
                ("tags", models.ManyToManyField(blank=True, to="catalog.tag")),
            ],
        ),
        migrations.CreateModel(
            name="Bargain",
            fields=[],
            options={"proxy": True, "indexes": [], "constraints": []},
            bases=("catalog.product",),
        ),
    )
