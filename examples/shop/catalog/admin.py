"""Products in the admin."""

from django.contrib import admin

from catalog.models import Bargain, Category, Product, Tag

admin.site.register([Bargain, Category, Product, Tag])
