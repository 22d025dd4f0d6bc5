"""Runs command lines of manage.py, each in a process of its own that has Django loaded already.

Standard input: a JSON list of lists of words. Standard output: for each its exit code and what it
wrote, to standard output and to standard error, as JSON.
"""

import json
import os
import sys
import tempfile
import traceback

import django
from django.core.management import execute_from_command_line


def run(words):
    """Run one command line in a child; return its exit code and both of its streams."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os._exit(end_of(words))
        _, status = os.waitpid(child, 0)
        written = [stream.seek(0) or stream.read() for stream in (out, err)]
        return os.waitstatus_to_exitcode(status), *written


def end_of(words):
    """Run one command line here; return the exit code that the interpreter would end with."""
    code = 0
    try:
        execute_from_command_line(["manage.py", *words])
    except SystemExit as ending:
        code = ending.code or 0
        if isinstance(code, str):
            sys.stderr.write(code)
            code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


asked = json.load(sys.stdin)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
django.setup()
ended = [run(words) for words in asked]
json.dump(ended, sys.stdout)
