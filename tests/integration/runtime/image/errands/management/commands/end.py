"""Ends as it is told."""

import sys

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Exits with the code that it is given."""

    def add_arguments(self, parser):
        """Take the exit code, and a database that it does not look at."""
        parser.add_argument("code", type=int)
        parser.add_argument("--database")

    def handle(self, *args, **options):
        """Exit."""
        sys.exit(options["code"])
