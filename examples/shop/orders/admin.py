"""Orders in the admin."""

from django.contrib import admin

from orders.models import Order, OrderLine, ShippingMethod

admin.site.register([Order, OrderLine, ShippingMethod])
