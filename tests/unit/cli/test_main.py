"""The entry point knows every verb and loads only the one asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dbalias import __version__
from dbalias.cli.main import VERBS, main
from unit.cli.files import DEFAULT, LOGIN, PROJECT, Run


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    """Without importing any."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert [verb for verb in VERBS if f"\n    {verb} " not in shown] == []


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Its module's text is its help."""
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    assert f"usage: dbalias {verb}" in capsys.readouterr().out


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    """As ``dbalias VERSION``."""
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"dbalias {__version__}\n"


def test_an_unknown_verb_is_refused_with_those_that_exist(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 2, as for any wrong argument."""
    with pytest.raises(SystemExit) as ended:
        main(["chekc"])
    assert ended.value.code == 2
    assert "check" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["check", "render", "graph"])
def test_offline_verbs_load_no_kubernetes_client(verb: str, dbalias: Run) -> None:
    """They start in a fraction of a second, on machines without a cluster."""
    path = dbalias.write(PROJECT, DEFAULT, LOGIN)
    program = (
        f"import sys; from dbalias.cli.main import main; code = main([{verb!r}, {path!r}]);"
        "loaded = {'kopf', 'aiohttp', 'kubernetes', 'psycopg', 'pymysql', 'django',"
        " 'prometheus_client'} & sys.modules.keys(); sys.exit(f'{loaded}' if loaded else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def written_to(stdout: int, *words: str, unbuffered: str) -> tuple[int, str]:
    """Run the program with this standard output; return its exit code and what it says."""
    done = subprocess.run(
        [Path(sys.executable).parent / "dbalias", *words],
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("verb", ["render", "graph"])
def test_a_reader_that_leaves_early_is_no_error(verb: str, unbuffered: str, dbalias: Run) -> None:
    """Whether a buffer holds all of it or not: nothing is said, and the code is SIGPIPE's."""
    path = dbalias.write(PROJECT, DEFAULT, LOGIN)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert written_to(writing, verb, path, unbuffered=unbuffered) == (141, "")
    finally:
        os.close(writing)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_one_line(unbuffered: str, dbalias: Run) -> None:
    """What was written is not whole, and the exit code says so."""
    path = dbalias.write(PROJECT, DEFAULT, LOGIN)
    with Path("/dev/full").open("w") as full:
        ended = written_to(full.fileno(), "graph", path, unbuffered=unbuffered)
    assert ended == (2, "dbalias graph: not all is written: No space left on device\n")


@pytest.mark.parametrize("verb", ["approve", "manage", "retry", "status"])
@pytest.mark.parametrize("name", ["", "shop/status", "../shop"])
def test_verbs_for_a_cluster_refuse_what_is_no_name_before_they_ask_for_it(
    verb: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A variable that is not set would ask for the list, of which nothing waits."""
    with pytest.raises(SystemExit) as ended:
        main([verb, name])
    assert ended.value.code == 2
    assert f"{name!r} is no name of a DjangoProject" in capsys.readouterr().err


@pytest.mark.parametrize("time", ["nan", "inf", "-1", "0", "soon"])
def test_manage_refuses_a_time_that_never_comes_or_is_over(
    time: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before a Job is made, which it would leave or stop at once."""
    with pytest.raises(SystemExit) as ended:
        main(["manage", "shop", f"--timeout={time}", "--", "check"])
    assert ended.value.code == 2
    assert f"{time} is not a number of seconds" in capsys.readouterr().err
