"""An app whose migrations take their time in the database; installed by SHOP_EXTRA_APPS."""

import os


def sleep_in_database(apps, schema_editor):
    """Let the server sleep for SHOP_SLOW_SECONDS, as a long statement would."""
    function = {"postgresql": "pg_sleep", "mysql": "SLEEP"}[schema_editor.connection.vendor]
    seconds = float(os.environ.get("SHOP_SLOW_SECONDS", "2"))
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [seconds])
