"""What a pod of the application does: it starts, and reads and writes through every model.

A release that brings migrations waits for them first, as an initContainer would: exit code 75
while they are missing. Everything that is written is taken back.
"""

import sys

import dbalias_wait

WAITS = sys.argv[1] != "1.4"
if WAITS and dbalias_wait.main(["--timeout=0"]) == 1:
    sys.exit(75)

import django  # noqa: E402  (it may not be loaded before it is known what to wait for)

django.setup()

from django.apps import apps  # noqa: E402
from django.db import router, transaction  # noqa: E402

for model in apps.get_models(include_auto_created=True):
    list(model._base_manager.all()[:1])
    alias = router.db_for_write(model)
    with transaction.atomic(using=alias):
        rows = model._base_manager.using(alias)
        rows.filter(pk="0")._raw_delete(alias)
        transaction.set_rollback(True, using=alias)
print("every table is there")
