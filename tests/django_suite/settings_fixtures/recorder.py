"""Django's test runner, which also writes how every test ended to the file $RECORD names."""

import json
import os
import unittest
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.test.runner import DiscoverRunner


class Recording(unittest.TextTestResult):
    """Remembers the outcome of every test by its full name."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.outcomes = {}

    def addSuccess(self, test):  # noqa: N802, D102
        super().addSuccess(test)
        self.outcomes.setdefault(test.id(), "passed")

    def addFailure(self, test, err):  # noqa: N802, D102
        super().addFailure(test, err)
        self.outcomes[test.id()] = "failed"

    def addError(self, test, err):  # noqa: N802, D102
        super().addError(test, err)
        self.outcomes[test.id()] = "error"

    def addSkip(self, test, reason):  # noqa: N802, D102
        super().addSkip(test, reason)
        self.outcomes[test.id()] = "skipped"

    def addExpectedFailure(self, test, err):  # noqa: N802, D102
        super().addExpectedFailure(test, err)
        self.outcomes[test.id()] = "expected failure"

    def addUnexpectedSuccess(self, test):  # noqa: N802, D102
        super().addUnexpectedSuccess(test)
        self.outcomes[test.id()] = "unexpected success"

    def addSubTest(self, test, subtest, err):  # noqa: N802, D102
        super().addSubTest(test, subtest, err)
        if err is not None:
            is_failure = issubclass(err[0], test.failureException)
            self.outcomes[test.id()] = "failed" if is_failure else "error"


class Recorder(DiscoverRunner):
    """Runs tests as Django does, one after the other, and records."""

    def get_resultclass(self):
        """Return the class that remembers."""
        return Recording

    def suite_result(self, suite, result, **kwargs):
        """Write the record: outcomes, the settings module, and which server each alias was."""
        servers = {alias: connections[alias].display_name for alias in connections}
        record = {
            "tests": result.outcomes,
            "settings": settings.SETTINGS_MODULE,
            "servers": servers,
        }
        Path(os.environ["RECORD"]).write_text(json.dumps(record))
        return super().suite_result(suite, result, **kwargs)
