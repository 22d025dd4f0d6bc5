"""Processes are gone when nothing of them is left, above all not the port of the next one."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from localkube import sweep
from localkube.databases import PostgresServer
from localkube.ports import reserve_port
from localkube.processes import Process, is_same, start_time, wait_until_gone, working_in

# The first thread ends while another still holds the port: what a kill of a program with many
# threads looks like on a busy machine, made to last.
HALF_GONE = """
import ctypes, socket, sys, threading, time
held = socket.create_server(("127.0.0.1", int(sys.argv[1])))
threading.Thread(target=time.sleep, args=(600,)).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_process_is_there_as_long_as_one_of_its_threads_is(tmp_path: Path) -> None:
    """A part that starts in its place would find the port taken."""
    port = reserve_port()
    argv = [sys.executable, "-c", HALF_GONE, str(port)]
    process = Process("half-gone", argv, tmp_path / "01-half-gone.json", tmp_path / "log")
    process.start()
    pid = process.pid
    assert pid is not None
    try:
        while state_of(pid) != "Z":
            process.require_running()
        process.require_running()
        with pytest.raises(OSError, match="in use"):
            socket.create_server(("127.0.0.1", port))
    finally:
        process.kill()
    assert start_time(pid) is None
    socket.create_server(("127.0.0.1", port)).close()


def test_a_process_that_ended_before_it_was_noted_is_not_running(tmp_path: Path) -> None:
    """Whoever waits for it to answer hears of its end."""
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    record = tmp_path / "01-ended.json"
    record.write_text(json.dumps({"pid": ended.pid, "started": None}))
    assert not Process("ended", ["true"], record, tmp_path / "log").is_running


def test_a_killed_database_server_is_gone_with_its_children(tmp_path: Path) -> None:
    """They hold its memory and its data for a moment, and keep the next one from starting."""
    with PostgresServer(tmp_path) as server:
        for _ in range(3):
            assert server.data is not None
            all_of_it = working_in(server.data)
            assert server.pid in all_of_it
            assert len(all_of_it) > 3
            server.kill()
            assert not any(is_same(pid, started) for pid, started in all_of_it.items())
            server.start()


def test_a_child_that_outlives_its_database_server_is_awaited(tmp_path: Path) -> None:
    """Also one that the server has started in its last moment: the next one would not start."""
    with PostgresServer(tmp_path) as server:
        assert server.data is not None
        assert server.pid is not None
        all_of_it = working_in(server.data)
        child = next(pid for pid in all_of_it if pid != server.pid)
        os.kill(child, signal.SIGSTOP)
        os.kill(server.pid, signal.SIGKILL)
        assert wait_until_gone({server.pid: all_of_it[server.pid]})
        threading.Timer(1, os.kill, [child, signal.SIGCONT]).start()
        server.kill()
        assert not is_same(child, all_of_it[child])
        server.start()


def test_a_database_server_of_a_killed_run_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process and its data go with the next start of a cluster, or with `sweep`."""
    # A list of its own: any other test that starts a cluster would sweep it first.
    monkeypatch.setenv("DBALIAS_CACHE", str(tmp_path / "cache"))
    script = (
        "import os, signal, sys; from pathlib import Path; "
        "from localkube.databases import PostgresServer; "
        "from localkube.processes import start_time; "
        "server = PostgresServer(Path(sys.argv[1])).start(); "
        "print(server.pid, start_time(server.pid), server.data, flush=True); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    pid, started, data = killed.stdout.split()
    assert killed.returncode == -signal.SIGKILL
    assert is_same(int(pid), int(started))
    assert tmp_path in sweep()
    assert not Path(data).exists()
    assert wait_until_gone({int(pid): int(started)}), "the server still runs"


def state_of(pid: int) -> str:
    """Return the state of the process' first thread (proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
