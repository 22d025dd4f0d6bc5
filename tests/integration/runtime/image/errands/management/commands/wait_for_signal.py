"""Waits for SIGTERM, and ends well once it has come."""

import pathlib
import signal
import time

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Makes a file when it is ready to be told; with --dying the signal ends it."""

    def add_arguments(self, parser):
        """Take the file, and a database that it does not look at."""
        parser.add_argument("file", type=pathlib.Path)
        parser.add_argument("--dying", action="store_true")
        parser.add_argument("--database")

    def handle(self, *args, **options):
        """Wait."""
        told = []
        if not options["dying"]:
            signal.signal(signal.SIGTERM, lambda *signal: told.append("SIGTERM"))
        options["file"].touch()
        while not told:
            time.sleep(0.05)
        self.stdout.write(f"told {len(told)} time by {told[0]}")
