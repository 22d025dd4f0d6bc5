"""The command line: `python -m localkube up`, `down`, `status` and what else a person asks for."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from localkube import registry
from localkube.binaries import build_binaries
from localkube.cluster import Cluster, sweep
from localkube.controlplane import Options
from localkube.errors import LocalkubeError
from localkube.images import archive_of, base_image, build_image
from localkube.paths import default_state_dir, kubernetes_version
from localkube.pins import pin
from localkube.progress import say


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    chosen = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], None] = chosen.run
    try:
        command(chosen)
    except LocalkubeError as error:
        print(f"localkube: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("localkube: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="localkube", description="A Kubernetes of this machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, run: Callable[[argparse.Namespace], None], help: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help, description=help)
        command.set_defaults(run=run)
        return command

    def add_state(command: argparse.ArgumentParser) -> None:
        command.add_argument("--state", type=Path, default=default_state_dir(), metavar="DIR")

    up = add("up", _up, "start a cluster and leave it running")
    add_state(up)
    up.add_argument("--no-node", action="store_true", help="control plane only: no pods run")
    down = add("down", _down, "stop the cluster and remove its state folder")
    add_state(down)
    down.add_argument("--keep-logs", action="store_true")
    add_state(add("status", _status, "say what runs"))
    add_state(add("kubeconfig", _kubeconfig, "print the path of the administrator's kubeconfig"))
    load = add("load", _load, "give the node an image that was built here, or an archive")
    add_state(load)
    load.add_argument("image", help="a tag, or the path of an archive")
    image = add("image", _image, "build an image and print the path of its archive")
    image.add_argument("tag")
    image.add_argument("context", type=Path)
    image.add_argument("--file", type=Path, help="the Dockerfile")
    image.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    add("base-image", lambda _: print(base_image()), "make the base image and print its name")
    build = add("build", _build, "build Kubernetes' programs and print their folder")
    build.add_argument("--version", default=kubernetes_version())
    add("sweep", _sweep, "stop clusters left behind by test runs that were killed")
    pinned = add("pin", _pin, "add a Kubernetes version to those that can be built")
    pinned.add_argument("version")
    pinned.add_argument("--helm", required=True, metavar="VERSION")
    pinned.add_argument("--coredns", required=True, metavar="VERSION")
    return parser


def _up(chosen: argparse.Namespace) -> None:
    cluster = _running(chosen.state)
    if cluster is None:
        cluster = Cluster(chosen.state, Options(node=not chosen.no_node))
        cluster.start()
    print(f"Kubernetes {cluster.version} runs. Try:\n  export KUBECONFIG={cluster.kubeconfig}")
    print(f"  {cluster.binary('kubectl')} get pods --all-namespaces")
    print("Stop it with: python -m localkube down")


def _running(state: Path) -> Cluster | None:
    """Return the cluster that runs already; clear away one of which parts are gone."""
    if not (state / "cluster.json").exists():
        return None
    found = Cluster.attach(state)
    if found.processes and all(process.is_running for process in found.processes.values()):
        return found
    say(f"clearing away what is left of a cluster in {state}")
    found.stop()
    return None


def _down(chosen: argparse.Namespace) -> None:
    Cluster.attach(chosen.state).stop(keep_logs=chosen.keep_logs)
    print(f"stopped the cluster in {chosen.state}")


def _status(chosen: argparse.Namespace) -> None:
    others = [state for state in registry.running() if state != chosen.state.resolve()]
    for state in others:
        print(f"another cluster is in {state}")
    cluster = Cluster.attach(chosen.state)
    print(f"Kubernetes {cluster.version} in {chosen.state}, at {cluster.url}")
    for name, process in cluster.processes.items():
        pid = process.pid
        print(f"  {name:26}{f'pid {pid}' if pid else f'not running, see {process.log}'}")


def _kubeconfig(chosen: argparse.Namespace) -> None:
    print(Cluster.attach(chosen.state).kubeconfig)


def _load(chosen: argparse.Namespace) -> None:
    path = Path(chosen.image)
    archive = path if path.is_file() else archive_of(chosen.image)
    if not archive.is_file():
        raise LocalkubeError(f"{chosen.image} is neither an archive nor an image built here")
    Cluster.attach(chosen.state).load_archive(archive)
    print(f"loaded {archive}")


def _image(chosen: argparse.Namespace) -> None:
    given = dict(word.partition("=")[::2] for word in chosen.build_arg)
    print(build_image(chosen.context, chosen.tag, dockerfile=chosen.file, build_args=given))


def _build(chosen: argparse.Namespace) -> None:
    print(build_binaries(chosen.version).folder)


def _sweep(chosen: argparse.Namespace) -> None:
    for state in sweep():
        print(f"stopped the cluster in {state}")


def _pin(chosen: argparse.Namespace) -> None:
    print(pin(chosen.version, helm=chosen.helm, coredns=chosen.coredns))
