"""Prints as JSON what the guide's routers and the published ones answer about every model.

Run with the published settings.
"""

import itertools
import json
import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dbalias_settings")
django.setup()

from django.apps import apps  # noqa: E402
from django.db import router  # noqa: E402
from django.db.utils import ConnectionRouter  # noqa: E402

LITERAL = ["guide_routers.AuthRouter", "guide_routers.PrimaryReplicaRouter"]
DRAWS = 40


def answers(chain):
    """Return each answer by its question; objects lie where the chain itself puts them."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        found[f"write {model._meta.label}"] = chain.db_for_write(model)
        reads = {chain.db_for_read(model) for _ in range(DRAWS)}
        found[f"read {model._meta.label}"] = sorted(reads)
    for one, other in itertools.product(apps.get_models(), repeat=2):
        pair = [stored(model, found[f"write {model._meta.label}"]) for model in (one, other)]
        label = f"relation {one._meta.label} {other._meta.label}"
        found[label] = bool(chain.allow_relation(*pair))
    return found


def stored(model, alias):
    """Return an object that lies in a database."""
    instance = model()
    instance._state.db = alias
    return instance


print(json.dumps({"literal": answers(ConnectionRouter(LITERAL)), "ours": answers(router)}))
