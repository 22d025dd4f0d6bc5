"""The faults: each kills, lets the runs go on, and brings back what was killed."""

import contextlib
import json
import os
import signal
from collections.abc import Callable, Sequence
from functools import partial

from localkube.databases import MariaDBServer, PostgresServer
from stage.api import JSON, ApiError
from stage.kill.run import WITHIN, Run
from stage.kill.steps import IN_PROCESS, Engine, Step, Victim
from stage.operating import count_restarts, kill_operator, processes_of, scale_operator
from stage.play import Shop
from stage.setting import Setting
from stage.sharing import locked

Servers = dict[Engine, PostgresServer | MariaDBServer]


def strike(victim: Victim, runs: Sequence[Run], *, setting: Setting, servers: Servers) -> None:
    """Kill one of them, once for all runs that are his; `servers` are those that may be killed."""
    match victim:
        case Victim.NOBODY:
            _open(runs)
        case Victim.OPERATOR:
            _kill_operator(runs)
        case Victim.OPERATOR_AWAY:
            _without_operator(runs)
        case Victim.PROCESS:
            _kill_processes(runs)
        case Victim.POD:
            _evict(runs, setting)
        case Victim.KUBELET:
            _without_kubelet(runs, setting)
        case Victim.SERVER:
            _without_servers(runs, servers)


def _open(runs: Sequence[Run]) -> None:
    for run in runs:
        run.open()


def _kill_operator(runs: Sequence[Run]) -> None:
    api = runs[0].shop.api
    before = count_restarts(api)
    kill_operator(api)
    _open(runs)
    runs[0].shop.eventually(lambda: count_restarts(api) > before, what="the operator's restart")


def _without_operator(runs: Sequence[Run]) -> None:
    api = runs[0].shop.api
    scale_operator(api, 0)
    try:
        _open(runs)
        for run in runs:
            run.shop.eventually(run.has_ended, what=f"the Job of {run.cell} to end", within=WITHIN)
    finally:
        scale_operator(api, 1)


def _kill_processes(runs: Sequence[Run]) -> None:
    """Kill each, and let the next attempt come while the statement of the killed one still waits.

    A server that did not notice would keep what that statement has locked until it ends.
    """
    left = [(run, run.hold.sessions()) for run in runs]
    for run in runs:
        pids = _pids(run.shop)
        assert pids, f"{run.cell} has no process"
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
    for run, sessions in left:
        run.shop.eventually(run.has_failed, what=f"the Job of {run.cell} to fail", within=WITHIN)
        run.shop.eventually(
            _are_gone(run, sessions), what=f"the server to end the session of {run.cell}", within=60
        )
    _open(runs)


def _evict(runs: Sequence[Run], setting: Setting) -> None:
    """Evict each, and let it go on once its process knows: a quick run would else be through."""
    for run in runs:
        for pod in run.shop.objects("Pod"):
            _evict_pod(setting, pod)
    for run in runs:
        if run.cell.step in IN_PROCESS - {Step.REPORTED}:
            run.shop.eventually(partial(_is_told, run), what=f"{run.cell} to be told to stop")
    _open(runs)


def _is_told(run: Run) -> bool:
    """Return whether its process says so; one that waited for the lock has ended on the spot."""
    if run.has_failed():
        return True
    names = [pod["metadata"]["name"] for pod in run.shop.objects("Pod")]
    with contextlib.suppress(ApiError):  # the pod has just gone
        logs = [run.shop.api.log(run.shop.namespace, name) for name in names]
        return any("told to stop (SIGTERM)" in log for log in logs)
    return False


def _evict_pod(setting: Setting, pod: JSON) -> None:
    where = {key: pod["metadata"][key] for key in ("name", "namespace")}
    path = f"/api/v1/namespaces/{where['namespace']}/pods/{where['name']}/eviction"
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": where}
    setting.cluster.kubectl("create", "--raw", path, "-f", "-", input=json.dumps(body))


def _without_kubelet(runs: Sequence[Run], setting: Setting) -> None:
    kubelet = setting.cluster.processes["kubelet"]
    with locked(setting.kubelet_lock):
        kubelet.kill()
        try:
            _open(runs)
            for run in runs:
                run.shop.eventually(
                    _is_over(run.shop), what=f"the process of {run.cell} to end", within=WITHIN
                )
        finally:
            kubelet.start()


def _without_servers(runs: Sequence[Run], servers: Servers) -> None:
    killed = [servers[engine] for engine in {run.cell.engine for run in runs}]
    for server in killed:
        server.kill()
    try:
        _open(runs)
        for run in runs:
            run.wait_for_word_of_server()
    finally:
        for server in killed:
            server.start()


def _are_gone(run: Run, sessions: frozenset[int]) -> Callable[[], bool]:
    return lambda: not sessions & run.hold.sessions()


def _is_over(shop: Shop) -> Callable[[], bool]:
    return lambda: not _pids(shop)


def _pids(shop: Shop) -> list[int]:
    """Return the processes of its pods' containers, as this machine counts them."""
    statuses = [
        status
        for pod in shop.objects("Pod")
        for status in pod["status"].get("containerStatuses", ())
    ]
    return [pid for status in statuses for pid in processes_of(status)]
