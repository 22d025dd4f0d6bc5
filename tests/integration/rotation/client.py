"""A process of an application: it queries every database until it is told to end.

It takes its settings from what is published, as any Django process does, and says what it did in
lines of JSON. Tables are made, altered and filled under whatever login it was started with.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from typing import Any

ending: list[int] = []
signal.signal(signal.SIGTERM, lambda number, _: ending.append(number))

import django  # noqa: E402  (who is asked to end from here on tells what it has done)

django.setup()

from django.core import signals  # noqa: E402  (what it loads asks for settings that are set up)
from django.db import connections  # noqa: E402

PAUSE = 0.05
"""Seconds between two requests."""


class Client:
    """Counts its queries, and remembers those that failed."""

    def __init__(self) -> None:
        self.queries = 0
        self.failed: list[str] = []
        self.last: dict[str, str] = {}
        """The table of each database that another process made last."""

    def say(self, what: str) -> None:
        """Tell where it stands."""
        logins = {alias: connections[alias].settings_dict["USER"] for alias in connections}
        told = {"say": what, "logins": logins, "queries": self.queries, "failed": self.failed}
        print(json.dumps(told), flush=True)

    def ask(self, alias: str, statement: str) -> list[tuple[Any, ...]]:
        """Run one statement."""
        self.queries += 1
        try:
            with connections[alias].cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []
        except Exception as error:
            self.failed.append(f"{alias}: {statement}: {type(error).__name__}: {error}")
            return []

    def begin(self) -> None:
        """Make a table in each database, and alter the one that another process made last."""
        for alias in connections:
            made = self.ask(alias, "SELECT name FROM made ORDER BY id DESC LIMIT 1")
            table = f"made_{os.getpid()}_{time.time_ns()}"  # a process id comes again
            self.ask(alias, f"CREATE TABLE {table} (process integer)")
            self.ask(alias, f"INSERT INTO made (name) VALUES ('{table}')")
            self.last[alias] = made[0][0] if made else table
            self.ask(alias, f"ALTER TABLE {self.last[alias]} ADD COLUMN by_{table} integer")

    def request(self) -> None:
        """Do what a request does: Django looks after its connections before and after it."""
        signals.request_started.send(sender=Client)
        for alias in connections:
            self.ask(alias, f"INSERT INTO {self.last[alias]} (process) VALUES ({os.getpid()})")
            self.ask(alias, f"SELECT count(*) FROM {self.last[alias]}")
        signals.request_finished.send(sender=Client)

    def serve(self) -> None:
        """Serve until somebody asks it to end."""
        self.begin()
        while not ending:
            self.request()
            self.say("serving")
            time.sleep(PAUSE)
        self.say("over")

    def sleep(self) -> None:
        """Work, sleep until somebody writes a line, then work on, also with new connections."""
        self.begin()
        self.request()
        self.say("asleep")
        select.select([sys.stdin], [], [])
        self.request()
        connections.close_all()
        self.begin()
        self.request()
        self.say("over")

    def prepare(self) -> None:
        """Make the table that lists the others."""
        for alias in connections:
            serial = "serial" if connections[alias].vendor == "postgresql" else "integer"
            increment = "" if connections[alias].vendor == "postgresql" else " AUTO_INCREMENT"
            self.ask(
                alias,
                f"CREATE TABLE made (id {serial}{increment} PRIMARY KEY, name varchar(64))",
            )
        self.say("over")


getattr(Client(), sys.argv[1])()
