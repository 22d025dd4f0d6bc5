"""URLs of one page that writes and reads through every database; put beside the shop."""

from __future__ import annotations

from catalog.models import Tag
from customers.models import Customer
from django.db import connections, transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path

ENCRYPTED = {
    "postgresql": "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    "mysql": "SELECT variable_value FROM information_schema.session_status"
    " WHERE variable_name = 'SSL_CIPHER'",
}


def show(request: HttpRequest) -> JsonResponse:
    """Write an instance of two models, and tell where it went and where reads go then."""
    before = [model.objects.all().db for model in (Tag, Customer)]
    with transaction.atomic(using="users"):
        customer = Customer.objects.create(email=f"{request.GET['who']}@example.org", name="Æ 密")
    tag = Tag.objects.create(word=request.GET["who"])
    after = [model.objects.all().db for model in (Tag, Customer)]
    return JsonResponse(
        {
            "before": before,
            "written": [tag._state.db, customer._state.db],
            "after": after,
            "read": [Tag.objects.get(pk=tag.pk).word, Customer.objects.get(pk=customer.pk).name],
            "encrypted": {alias: is_encrypted(alias) for alias in connections},
        }
    )


def is_encrypted(alias: str) -> bool:
    """Return whether the server says that this connection is encrypted."""
    with connections[alias].cursor() as cursor:
        cursor.execute(ENCRYPTED[connections[alias].vendor])
        return cursor.fetchone()[0] not in ("", "false")


urlpatterns = [path("", show)]
