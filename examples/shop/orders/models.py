"""Orders: beside their customers, but apart from the catalogue, whose articles they only name."""

from customers.models import Customer
from django.db import models


class ShippingMethod(models.Model):
    """How an order travels; no unique name, so that a data migration run twice would show."""

    name = models.CharField(max_length=80)

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    """What one customer bought at once."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    shipping = models.ForeignKey(ShippingMethod, on_delete=models.PROTECT)
    placed_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"Order {self.pk}"


class OrderLine(models.Model):
    """One article of an order; the catalogue may be in another database."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE)
    article = models.SlugField()
    quantity = models.PositiveIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.quantity} x {self.article}"
