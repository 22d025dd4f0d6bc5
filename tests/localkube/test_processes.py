"""Processes are gone when nothing of them is left, above all not the port of the next one."""

import json
import socket
import subprocess
import sys
from pathlib import Path

from localkube.databases import PostgresServer
from localkube.processes import Process, children_of, start_time

# The first thread ends while another still holds the port: what a kill of a program with many
# threads looks like on a busy machine, made to last.
HALF_GONE = """
import ctypes, socket, threading, time
held = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=time.sleep, args=(60,)).start()
print(held.getsockname()[1], flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_process_is_there_as_long_as_one_of_its_threads_is(tmp_path: Path) -> None:
    """A part that starts in its place would find the port taken."""
    argv = [sys.executable, "-c", HALF_GONE]
    process = Process("half-gone", argv, tmp_path / "01-half-gone.json", tmp_path / "log")
    process.start()
    pid = process.pid
    assert pid is not None
    try:
        while state_of(pid) != "Z":
            process.require_running()
        port = int(process.log.read_text())
        process.require_running()
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
            assert server.pid is not None
            children = children_of(server.pid)
            assert len(children) > 2
            server.kill()
            assert not [pid for pid in children if start_time(pid) is not None]
            server.start()


def state_of(pid: int) -> str:
    """Return the state of the process' first thread (proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
