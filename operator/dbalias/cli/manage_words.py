"""What a management command's own words tell of it: whether it may run in a Job, and where.

Everything here is refused before anything is made in the cluster, with what to write instead.
"""

from __future__ import annotations

from collections.abc import Sequence

from dbalias.cli.refusal import RefusedError

ONE_DATABASE = frozenset(
    {
        "changepassword",
        "createcachetable",
        "createsuperuser",
        "dbshell",
        "dumpdata",
        "flush",
        "inspectdb",
        "loaddata",
        "migrate",
        "remove_stale_contenttypes",
        "showmigrations",
        "sqlflush",
        "sqlmigrate",
        "sqlsequencereset",
    }
)
"""Django's commands that work on the one database of ``--database``, else on ``default``."""

NO_DATABASE = frozenset(
    {
        "clearsessions",
        "compilemessages",
        "diffsettings",
        "makemessages",
        "makemigrations",
        "optimizemigration",
        "sendtestemail",
        "shell",
        "squashmigrations",
        "test",
    }
)
"""Django's commands that know no ``--database``."""

TERMINAL = frozenset({"changepassword", "dbshell", "runserver", "shell", "testserver"})
"""Commands for somebody at a keyboard, or that never end."""

NO_INPUT = frozenset({"--no-input", "--noinput"})
_ASKING = frozenset({"collectstatic", "flush", "remove_stale_contenttypes"})
_CODE = ("-c", "--command")


def demand_command(words: Sequence[str], *, yes: bool) -> None:
    """Raise RefusedError for what a Job cannot run, or may only with ``--yes``."""
    if not words or words[0].startswith("-"):
        raise RefusedError("a management command follows --, such as: -- showmigrations")
    name = words[0]
    if _needs_terminal(words):
        raise RefusedError(
            f"{name} needs a terminal, which a Job has not: run it in a pod of the application, "
            f"such as `kubectl exec -it deploy/web -- python manage.py {name}`{_instead(name)}"
        )
    if is_destructive(words) and not yes:
        raise RefusedError(
            f"{' '.join(words)} deletes what the database holds, and nothing undoes it: "
            "add --yes before the --, if that is what you want"
        )
    if name in _ASKING - {"flush"} and not NO_INPUT.intersection(words):
        raise RefusedError(f"{name} asks before it acts, and a Job cannot answer: add --no-input")
    if _names_database(words):
        raise RefusedError(
            "say the database before the --, where its Job is made for it: "
            f"--database {_names_database(words)} -- {name}"
        )


def demand_place(words: Sequence[str], *, chosen: bool, known: Sequence[str]) -> None:
    """Raise RefusedError when a command needs a database and has none, or has one too many.

    ``chosen``: --database or --all was given. ``known``: the aliases that could be named.
    """
    name = words[0]
    if chosen and name in NO_DATABASE:
        raise RefusedError(f"{name} takes no database: leave --database and --all out")
    if not chosen and name in ONE_DATABASE:
        there = ", ".join(known) or "none yet"
        raise RefusedError(
            f"{name} works on one database, and without its name on default, whatever that is: "
            f"add --database ALIAS, or --all for one after the other (there are: {there})"
        )


def is_destructive(words: Sequence[str]) -> bool:
    """Tell whether a command's purpose is to delete what a database holds."""
    if words[0] == "migrate":
        return "zero" in words[1:]
    return words[0] in {"flush", "reset_db"}


def complete(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words as a Job runs them: what was answered with --yes is not asked again."""
    silent = words[0] == "flush" and not NO_INPUT.intersection(words)
    return (*words, "--no-input") if silent else tuple(words)


def _needs_terminal(words: Sequence[str]) -> bool:
    name, rest = words[0], words[1:]
    if name == "shell":
        return not any(word == flag or word.startswith(flag) for word in rest for flag in _CODE)
    if name == "createsuperuser":
        return not NO_INPUT.intersection(rest)
    return name in TERMINAL


def _instead(name: str) -> str:
    """Return what does the same without a terminal, where there is something."""
    return {
        "createsuperuser": ", or give it --no-input and, by spec.migrate.pod.envFrom of the "
        "project, a Secret with DJANGO_SUPERUSER_PASSWORD",
        "shell": ", or give it -c CODE",
    }.get(name, "")


def _names_database(words: Sequence[str]) -> str:
    """Return the database that the words name, or what stands for one."""
    for word, after in zip(words, [*words[1:], "ALIAS"], strict=True):
        if word == "--":
            break
        if word == "--database":
            return after
        if word.startswith("--database="):
            return word.partition("=")[2] or "ALIAS"
    return ""
