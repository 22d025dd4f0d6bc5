"""An app whose migrations stand still at named gates, so that a test can end a run exactly there.

A gate is a lock in the database that is migrated. Whoever holds it keeps the run where it is;
where nobody does, the run passes and notices nothing. When server or session die, so does it.
"""

import os
import sys

from django.db import connections

ALIAS = "DBALIAS_MIGRATE_ALIAS"
_PASS = {
    "postgresql": ("SELECT pg_advisory_xact_lock_shared(hashtext('gate'), hashtext(%s))",),
    "mysql": (
        "SELECT GET_LOCK(CONCAT('gate:', MD5(CONCAT(DATABASE(), %s))), 7200)",
        "SELECT RELEASE_LOCK(CONCAT('gate:', MD5(CONCAT(DATABASE(), %s))))",
    ),
}


def pass_gate(name, connection=None):
    """Wait until nobody holds the gate of this name; a check only looks, and waits for nobody."""
    if "--check" in sys.argv:
        return
    connection = connection or connections[os.environ[ALIAS]]
    with connection.cursor() as cursor:
        for statement in _PASS[connection.vendor]:
            cursor.execute(statement, [name])
            cursor.fetchall()


def through(name, word=None):
    """Return what RunPython calls: add a row with this word, if any, then pass the gate."""

    def forwards(apps, schema_editor):
        if word:
            effects = apps.get_model("gated", "Effect").objects
            effects.using(schema_editor.connection.alias).create(word=word)
        pass_gate(name, schema_editor.connection)

    return forwards
