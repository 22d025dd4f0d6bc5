"""`python -m stalls`: what it freezes, and what it gives back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MISSES_TIME = """
import time
last = time.monotonic()
while (now := time.monotonic()) - last < {gap}:
    last = now
"""


def stalls(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with many short stalls."""
    return subprocess.run(
        [sys.executable, "-m", "stalls", "--every=0.1", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT / "tools")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def python(program: str) -> list[str]:
    """Return a command that runs this program."""
    return [sys.executable, "-c", program]


def test_a_busy_process_misses_time_and_goes_on() -> None:
    """It ends only once it has been frozen, and thawed."""
    outcome = stalls("--seed=7", "--longest=1", "--", *python(MISSES_TIME.format(gap=0.2)))

    assert outcome.returncode == 0, outcome.stderr
    assert "stalls, seed 7: exit code 0" in outcome.stdout


def test_a_daemon_without_a_parent_is_frozen_too(tmp_path: Path) -> None:
    """Containers are such ones: nobody who waits for them has started them."""
    ended = tmp_path / "ended"
    daemon = f"{MISSES_TIME.format(gap=0.2)}\nopen({str(ended)!r}, 'w').close()"
    leaves_it = "import subprocess, sys; subprocess.Popen(sys.argv[1:], start_new_session=True)"
    waits = f"import os, time\nwhile not os.path.exists({str(ended)!r}): time.sleep(0.1)"
    command = '"$0" -c "$1" "$0" -c "$2" && exec "$0" -c "$3"'

    outcome = stalls("--", "sh", "-c", command, sys.executable, leaves_it, daemon, waits)

    assert outcome.returncode == 0, outcome.stderr
    assert ended.exists()


def test_the_exit_code_is_the_command_s() -> None:
    """A signal's as a shell tells it; a command that is not there is named."""
    assert stalls("--", *python("raise SystemExit(7)")).returncode == 7
    assert stalls("--", *python("import os; os.kill(os.getpid(), 9)")).returncode == 137
    missing = stalls("--", "no-such-command")
    assert missing.returncode == 127
    assert "no-such-command: no such command" in missing.stderr
