"""The one page that is not the admin's."""

from catalog.models import Product
from customers.models import Customer
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from orders.models import Order


def show_summary(request: HttpRequest) -> JsonResponse:
    """Return how many rows there are, and in which database each model was read."""
    models = (Product, Customer, Order)
    querysets = {model._meta.label: model.objects.all() for model in models}
    rows = {
        label: {"database": queryset.db, "rows": queryset.count()}
        for label, queryset in querysets.items()
    }
    return JsonResponse({"release": settings.RELEASE, "models": rows})
