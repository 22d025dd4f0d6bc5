"""Starts runs in processes that are forked where Django is imported already, and not set up.

One JSON object a line on standard input: {"start": code, "env": …, "log": path} is answered with
the process' id, {"end": id} with its exit code (-n: signal n) once it has ended.
"""

import json
import os
import sys
import traceback

import django.core.management.commands.migrate
import django.db.migrations.executor  # noqa: F401


def start(asked):
    """Fork a process that runs the code; return its id."""
    child = os.fork()
    if child:
        return child
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = ["-c", *asked["words"]]
    code = 1
    try:
        exec(asked["start"], {"__name__": "__main__"})
    except SystemExit as ending:
        code = ending.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


for line in sys.stdin:
    wanted = json.loads(line)
    if "start" in wanted:
        answer = start(wanted)
    else:
        answer = os.waitstatus_to_exitcode(os.waitpid(wanted["end"], 0)[1])
    sys.stdout.write(f"{answer}\n")
    sys.stdout.flush()
