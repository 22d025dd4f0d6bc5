"""Makes the tables of orders."""

from django.db import migrations, models
from django.db.models import deletion


class Migration(migrations.Migration):
    """Makes the tables of orders."""

    initial = True
    dependencies = (("customers", "0001_initial"),)
    operations = (
        migrations.CreateModel(
            name="ShippingMethod",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
            ],
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("placed_at", models.DateTimeField(auto_now_add=True)),
                (
                    "customer",
                    models.ForeignKey(on_delete=deletion.PROTECT, to="customers.customer"),
                ),
                (
                    "shipping",
                    models.ForeignKey(on_delete=deletion.PROTECT, to="orders.shippingmethod"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="OrderLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("article", models.SlugField()),
                ("quantity", models.PositiveIntegerField(default=1)),
                ("order", models.ForeignKey(on_delete=deletion.CASCADE, to="orders.order")),
            ],
        ),
    )
