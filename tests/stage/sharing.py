"""One stage for all test processes of a run: the first sets it up, the last one gone takes it down.

Locks do the counting, because the kernel lets go of them however a process ends.
"""

import contextlib
import fcntl
import json
from collections.abc import Iterator
from pathlib import Path

from localkube import LocalkubeError
from stage.setting import Setting, set_up


@contextlib.contextmanager
def shared_stage(folder: Path) -> Iterator[Setting]:
    """Set the stage up in a folder that all processes of the run know, or join there.

    Whoever has set it up stays until all others have left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told, failed = folder / "stage.json", folder / "failed"
    with (folder / "users").open("w") as users, contextlib.ExitStack() as stack:
        with locked(folder / "door"):
            fcntl.flock(users, fcntl.LOCK_SH)
            if failed.exists():
                raise LocalkubeError(f"another process could not set up: {failed.read_text()}")
            if told.exists():
                setting = Setting.attach(json.loads(told.read_text()))
            else:
                try:
                    setting = stack.enter_context(set_up(folder))
                except Exception as error:
                    failed.write_text(str(error))
                    raise
                stack.callback(_last_out, folder)
                told.write_text(json.dumps(setting.coordinates()))
        stack.callback(fcntl.flock, users, fcntl.LOCK_UN)
        yield setting


@contextlib.contextmanager
def locked(file: Path, *, alone: bool = True) -> Iterator[None]:
    """Hold a lock that others can share with us, or alone."""
    with file.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


def _last_out(folder: Path) -> None:
    with (folder / "users").open("w") as users, locked(folder / "door"):
        fcntl.flock(users, fcntl.LOCK_EX)
        (folder / "stage.json").unlink()
