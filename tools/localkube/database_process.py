"""A database server as a process of this machine: how it starts, is found again, and ends.

It runs as its own unprivileged user on a free port, in its own session. Its data lie in a
scratch folder that this user can reach; the folder that the caller names keeps the log and
`server.json` (process, port, admin's password; mode 0600), so that a later process can
attach to a server that was left up.
"""

import atexit
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from localkube import registry
from localkube.errors import LocalkubeError
from localkube.paths import write_whole
from localkube.ports import reserve_port
from localkube.processes import (
    PATIENCE_SECONDS,
    is_same,
    start_time,
    wait_until_gone,
    working_in,
)
from localkube.progress import last_lines

_STOP_SECONDS = 30.0
"""How long a server may take to stop in order; then it is killed."""
_STATE = "server.json"


class DatabaseServer(ABC):
    """One database server: `start`, `stop`, `kill`, `restart`, and `close` for all of it.

    As a context manager it starts and closes. `attach` returns one that another process
    started and did not close. `settings` are the server's own, by name. A call with nothing
    left to do does nothing.
    """

    kind: ClassVar[str]
    engine: ClassVar[str]
    """The word for it in a DatabaseAlias."""
    system_user: ClassVar[str]
    admin_user: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]

    def __init__(
        self,
        directory: Path,
        *,
        listen: Sequence[str] = ("127.0.0.1",),
        settings: Mapping[str, str] | None = None,
        stop_at_exit: bool = True,
    ) -> None:
        self.directory = directory
        self.listen = tuple(listen)
        self.settings = dict(settings or {})
        self.stop_at_exit = stop_at_exit
        self.port = 0
        self.admin_password = secrets.token_urlsafe(18)
        self.data: Path | None = None
        self.pid: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def attach(cls, directory: Path) -> Self:
        """Return the server whose state lies in `directory`; FileNotFoundError when none does."""
        state = json.loads((directory / _STATE).read_text())
        server = cls(directory, listen=state["listen"], stop_at_exit=False)
        server.settings = state["settings"]
        server.port = state["port"]
        server.admin_password = state["admin_password"]
        server.data = Path(state["data"])
        server.pid = state["pid"] if is_same(state["pid"], state["started"]) else None
        return server

    @property
    def host(self) -> str:
        """The first address it listens on."""
        return self.listen[0]

    @property
    def log(self) -> Path:
        """The server's own log file."""
        return self.directory / f"{self.kind}.log"

    def start(self) -> Self:
        """Start it, make its data folder if there is none, and wait until it answers."""
        if self.pid is not None and start_time(self.pid) is not None:
            return self
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = self.port or reserve_port()
        if self.data is None:
            self.data = self._scratch_folder()
            self._initialise(self.data)
        with self.log.open("ab") as out:
            self._process = self._spawn(self._argv(self.data), out)
        self.pid = self._process.pid
        if self.stop_at_exit:
            atexit.register(self.close)
            registry.register(self.directory, owned=True)
        self._save()
        self._wait_until_it_answers()
        return self

    def stop(self) -> None:
        """Stop it in order; the data stay, `start` uses them again."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL); `start` recovers it."""
        self._end(signal.SIGKILL)

    def restart(self) -> Self:
        """Stop it and start it again on the same port."""
        self.stop()
        return self.start()

    def close(self) -> None:
        """Stop it and delete its data and its state."""
        self.stop()
        atexit.unregister(self.close)
        if self.data is not None:
            shutil.rmtree(self.data.parent, ignore_errors=True)
            self.data = None
        (self.directory / _STATE).unlink(missing_ok=True)
        registry.forget(self.directory)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.close()

    @abstractmethod
    def answers(self) -> bool:
        """Return whether the administrator can log in."""

    @abstractmethod
    def admin_sql(
        self, statement: str, params: Sequence[Any] | None = None, *, database: str = ""
    ) -> list[tuple[Any, ...]]:
        """Run one statement as the administrator, at once committed; return its rows."""

    @abstractmethod
    def create_database(self, name: str, user: str, password: str) -> None:
        """Make a database and a login that owns it and may do nothing else on the server."""

    @abstractmethod
    def create_administrator(self, user: str, password: str) -> None:
        """Make a login that may make databases and logins, and is no superuser."""

    @abstractmethod
    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, whoever is connected to it."""

    @abstractmethod
    def tables(self, database: str) -> set[str]:
        """Return the names of the tables in a database."""

    @abstractmethod
    def _initialise(self, data: Path) -> None: ...

    @abstractmethod
    def _argv(self, data: Path) -> list[str]: ...

    def _scratch_folder(self) -> Path:
        parent = Path(tempfile.mkdtemp(prefix=f"dbalias-{self.kind}-"))
        parent.chmod(0o755)
        data = parent / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(data, self.system_user, self.system_user)
        return data

    def _spawn(self, argv: Sequence[str], out: Any) -> "subprocess.Popen[bytes]":
        owner = self.system_user if os.geteuid() == 0 else None
        return subprocess.Popen(
            argv,
            # MariaDB, as it starts, removes temporary tables there: another server's in /tmp.
            env={**os.environ, "TMPDIR": str(self.data)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd="/",
            start_new_session=True,
            user=owner,
            group=owner,
            extra_groups=[] if owner else None,
        )

    def _run(self, argv: Sequence[str]) -> None:
        with self.log.open("ab") as out:
            process = self._spawn(argv, out)
        if process.wait():
            raise LocalkubeError(
                f"{argv[0]} failed with exit code {process.returncode}. Its last lines, from "
                f"{self.log}:\n{last_lines(self.log)}"
            )

    def _save(self) -> None:
        state = {
            "listen": self.listen,
            "settings": self.settings,
            "port": self.port,
            "admin_password": self.admin_password,
            "data": str(self.data),
            "pid": self.pid,
            "started": start_time(self.pid) if self.pid else None,
        }
        write_whole(self.directory / _STATE, json.dumps(state))

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            if self.answers():
                return
            ended = self._process is not None and self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.kill()
                raise LocalkubeError(
                    f"{self.kind} did not start. The end of {self.log}:\n{last_lines(self.log)}"
                )
            time.sleep(0.1)

    def _end(self, how: signal.Signals) -> None:
        if self.pid is None:
            return
        pid, self.pid = self.pid, None
        server = {pid: start_time(pid)}
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)
        if not wait_until_gone(server, _STOP_SECONDS):
            _kill_all(server)
        if self._process is not None:
            self._process.wait(PATIENCE_SECONDS)
        _end_children(self.data)
        self._save()


def clear_away(directory: Path) -> None:
    """End the server whose state lies in a folder and delete its data, if there is one."""
    try:
        state = json.loads((directory / _STATE).read_text())
    except FileNotFoundError:
        return
    pid = state["pid"]
    if is_same(pid, state["started"]):
        _kill_all({pid: state["started"]})
    data = Path(state["data"])
    _end_children(data)
    shutil.rmtree(data.parent, ignore_errors=True)
    (directory / _STATE).unlink()


def _end_children(data: Path | None) -> None:
    """Wait for what a server that has ended left: it keeps the next one from the data."""
    # Looked for only now, and by their folder: until its end it may have started another one.
    left = working_in(data) if data is not None else {}
    if not wait_until_gone(left, _STOP_SECONDS):
        _kill_all(left)


def _kill_all(processes: Mapping[int, int | None]) -> None:
    for pid, started in processes.items():
        if is_same(pid, started):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    wait_until_gone(processes)


def find_program(name: str, package: str) -> str:
    """Return the path of a server program, wherever Debian keeps it; the newest version.

    Programs of other versions come first where DBALIAS_DATABASE_PROGRAMS names their folder.
    """
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    chosen = os.environ.get("DBALIAS_DATABASE_PROGRAMS", "")
    search = os.pathsep.join([chosen, *map(str, places), os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which(name, path=search)
    if found is None:
        raise LocalkubeError(
            f"{name} is not installed: apt-get install --no-install-recommends {package}"
        )
    return found


def _version(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0
