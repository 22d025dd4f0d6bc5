"""Says whether somebody holds the lock of runs on this database."""

from django.core.management.base import BaseCommand
from django.db import connections

import dbalias_lock


class Command(BaseCommand):
    """Asks the server over the application's own connection."""

    def add_arguments(self, parser):
        """Take the database as Django's own commands do."""
        parser.add_argument("--database", default="default")

    def handle(self, *args, **options):
        """Print who holds it, and as whom it asked."""
        connection = connections[options["database"]]
        with connection.cursor() as cursor:
            lock = dbalias_lock.PostgresLock()
            if connection.vendor == "mysql":
                lock = dbalias_lock.MySQLLock(connection.settings_dict["NAME"])
            cursor.execute(lock.holder, lock.params)
            row = cursor.fetchone()
        held = "held" if row and row[0] else "free"
        self.stdout.write(f"{options['database']}: the lock is {held}")
        self.stdout.write(f"logged in as {connection.settings_dict['USER']}")
