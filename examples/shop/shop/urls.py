"""The shop's pages: a summary as JSON, and the admin."""

from django.contrib import admin
from django.urls import path

from shop.views import show_summary

urlpatterns = [path("", show_summary), path("admin/", admin.site.urls)]
