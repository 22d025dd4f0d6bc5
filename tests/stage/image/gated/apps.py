"""Gates where Django itself tells how far it is: loaded, about to migrate, migrated, at the end."""

import atexit
import contextlib
import os

from django.apps import AppConfig
from django.db import Error, connections
from django.db.models.signals import post_migrate, pre_migrate

from gated import ALIAS, pass_gate


def _pass_alone(name):
    """Pass a gate over a session of its own; what befalls that session is not the run's matter."""
    connection = connections[os.environ[ALIAS]].copy()
    with contextlib.suppress(Error), contextlib.closing(connection):
        pass_gate(name, connection)


def _before_the_first(using, **_):
    pass_gate("planned", connections[using])


def _after_the_last(using, **_):
    pass_gate("last", connections[using])


class GatedConfig(AppConfig):
    """The app."""

    name = "gated"

    def ready(self):
        """Stand still before the audit, and set up the gates to come."""
        if ALIAS not in os.environ:
            return
        pre_migrate.connect(_before_the_first, sender=self)
        post_migrate.connect(_after_the_last, sender=self)
        atexit.register(_pass_alone, "reported")
        _pass_alone("settings")
