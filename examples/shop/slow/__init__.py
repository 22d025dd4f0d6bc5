"""An app whose migrations take their time in the database; installed by SHOP_EXTRA_APPS."""

import os


def sleep_in_database(apps, schema_editor):
    """Let the server sleep for SHOP_SLOW_SECONDS, as a long statement would."""
    connection = schema_editor.connection
    function = {"postgresql": "pg_sleep", "mysql": "SLEEP"}[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [_seconds(connection.alias)])


def _seconds(alias):
    """Return what SHOP_SLOW_SECONDS says: one number for all, or alias=number,alias=number."""
    told = os.environ.get("SHOP_SLOW_SECONDS", "2")
    if "=" not in told:
        return float(told)
    return float(dict(pair.split("=") for pair in told.split(",")).get(alias, 0))
