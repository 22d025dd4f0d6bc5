"""What a pod needs to load what is published: one volume, its mounts, and two variables.

Pure: a PodSpec goes in, a new one comes out, fields that were there keep their order and place.
Done twice it changes nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dbalias.api.meta import JSON
from dbalias.django.runtime_files import FOLDER
from dbalias.migrations.pods import DEFAULT_FS_GROUP, FILE_MODE, OVERLAY_MODULE
from dbalias.reconcile.names import stable_name

VOLUME = "dbalias"
WAIT = "dbalias-wait"
SETTINGS_VARIABLE = "DJANGO_SETTINGS_MODULE"
PATH_VARIABLE = "PYTHONPATH"
PROFILE_VARIABLE = "DBALIAS_PROFILE"

_PROGRAM = f"{FOLDER}/dbalias_wait.py"
_CONTAINERS, _INIT_CONTAINERS = "containers", "initContainers"
_LIKE_THE_APPLICATION = ("image", "imagePullPolicy", "workingDir", "envFrom", "env", "resources")
_IDENTITY = ("runAsUser", "runAsGroup", "runAsNonRoot", "readOnlyRootFilesystem", "seLinuxOptions")


class RefusedError(Exception):
    """A PodSpec cannot take the mount: the field, what is wrong there, and the remedy."""

    def __init__(self, field: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.field, self.message, self.remedy = field, message, remedy


@dataclass(frozen=True, slots=True)
class Mount:
    """What is asked for.

    ``containers``: these names only; none: all, and init containers with one of their images.
    ``pythonpath``: what the image sets itself. ``wait``: the interpreter of an init container
    that waits for migrations; empty: there is none.
    """

    project: str
    containers: frozenset[str] = frozenset()
    pythonpath: str = ""
    profile: str = ""
    overlay: bool = True
    wait: str = ""


def mount_into(pod: JSON, mount: Mount, *, at: str) -> JSON:
    """Return a PodSpec that loads the project's settings; ``at`` is its field path.

    A pod without any of the containers asked for comes back as it is. Raises RefusedError.
    """
    pod = _object(pod, at)
    chosen = frozenset(_chosen(pod, mount, at=at))
    if not chosen:
        return pod

    def mounted(container: JSON, place: str) -> JSON:
        return _mounted(container, mount, place) if _name(container) in chosen else container

    changed = {
        kind: _each(pod, kind, mounted, at=at)
        for kind in (_INIT_CONTAINERS, _CONTAINERS)
        if pod.get(kind)
    }
    changed |= {"securityContext": _security(pod, at), "volumes": _volumes(pod, mount, at)}
    if mount.wait:
        changed[_INIT_CONTAINERS] = _waiting({**pod, **changed}, chosen, mount, at=at)
    return {**pod, **changed}


def names_of(pod: JSON, *, at: str) -> Iterator[str]:
    """Yield the names of all containers of a PodSpec."""
    for kind in (_INIT_CONTAINERS, _CONTAINERS):
        yield from (_name(one) for one in _objects(pod, kind, at=at))


def settings_modules(pod: JSON) -> dict[str, str]:
    """Return what containers of a PodSpec set DJANGO_SETTINGS_MODULE to, by name."""
    return {
        _name(one): str(entry.get("value"))
        for kind in (_INIT_CONTAINERS, _CONTAINERS)
        for one in _objects(pod, kind, at="")
        for entry in _objects(one, "env", at="")
        if entry.get("name") == SETTINGS_VARIABLE
    }


def _chosen(pod: JSON, mount: Mount, *, at: str) -> Iterator[str]:
    containers = _objects(pod, _CONTAINERS, at=at)
    first = _objects(pod, _INIT_CONTAINERS, at=at)
    if mount.containers:
        yield from (_name(one) for one in (*first, *containers) if _name(one) in mount.containers)
        return
    images = {str(one["image"]) for one in containers if one.get("image")}
    yield from (_name(one) for one in containers)
    yield from (_name(one) for one in first if str(one.get("image")) in images)


def _mounted(container: JSON, mount: Mount, at: str) -> JSON:
    mounts = [*_objects(container, "volumeMounts", at=at)]
    wanted = {"name": VOLUME, "mountPath": FOLDER, "readOnly": True}
    for index, one in enumerate(mounts):
        if str(one.get("mountPath")).rstrip("/") != FOLDER:
            continue
        if one.get("name") != VOLUME or "subPath" in one or "subPathExpr" in one:
            raise RefusedError(
                f"{at}.volumeMounts[{index}]",
                f"the volume {one.get('name')} is mounted at {FOLDER} already",
                "Remove this mount and its volume, or mount it elsewhere",
            )
        mounts[index] = {**one, "readOnly": True}
        break
    else:
        mounts.append(wanted)
    return {**container, "env": _environment(container, mount, at), "volumeMounts": mounts}


def _environment(container: JSON, mount: Mount, at: str) -> list[JSON]:
    env = [*_objects(container, "env", at=at)]
    if mount.overlay:
        _set(env, SETTINGS_VARIABLE, lambda _: OVERLAY_MODULE, at=at)
    _set(env, PATH_VARIABLE, lambda own: _path(own, mount), at=at)
    if mount.profile:
        _set(env, PROFILE_VARIABLE, lambda _: mount.profile, at=at)
    return env


def _set(env: list[JSON], name: str, value: Callable[[str | None], str], *, at: str) -> None:
    """Set a variable in its place, or at the end; of several with its name the last counts."""
    places = [index for index, entry in enumerate(env) if entry.get("name") == name]
    if not places:
        env.append({"name": name, "value": value(None)})
        return
    place = places[-1]
    own = env[place].get("value", "")
    if "valueFrom" in env[place] or not isinstance(own, str):
        raise RefusedError(
            f"{at}.env[{place}]",
            f"{name} is not said here but read from elsewhere, and cannot be extended",
            "Give it a plain value, or remove it",
        )
    env[place] = {**env[place], "value": value(own)}


def _path(own: str | None, mount: Mount) -> str:
    """Return PYTHONPATH with our folder last: what the container could import stays first."""
    before = mount.pythonpath if own is None else own
    if FOLDER in (part.rstrip("/") for part in before.split(":")):
        return before
    return f"{before}:{FOLDER}" if before else FOLDER


def _security(pod: JSON, at: str) -> JSON:
    """Return the pod's security context with a group, else only root could read the files."""
    own = _object(pod.get("securityContext") or {}, f"{at}.securityContext")
    return own if own.get("fsGroup") is not None else {**own, "fsGroup": DEFAULT_FS_GROUP}


def _volumes(pod: JSON, mount: Mount, at: str) -> list[JSON]:
    volumes = [*_objects(pod, "volumes", at=at)]
    name = stable_name(mount.project)
    sources = [{"configMap": {"name": name}}, {"secret": {"name": name}}]
    wanted = {"name": VOLUME, "projected": {"defaultMode": FILE_MODE, "sources": sources}}
    places = [index for index, one in enumerate(volumes) if one.get("name") == VOLUME]
    if not places:
        return [*volumes, wanted]
    place = f"{at}.volumes[{places[0]}]"
    held = _held(volumes[places[0]])
    if held is None:
        raise RefusedError(
            place, f"the name {VOLUME} belongs to another volume", "Rename that volume"
        )
    if held != name:
        raise RefusedError(
            place, f"it holds {held}, not {name}", "Remove the volume, or correct --project"
        )
    volumes[places[0]] = wanted
    return volumes


def _held(volume: JSON) -> str | None:
    """Return the name that all sources of a projected volume share; None for anything else."""
    projected = volume.get("projected")
    sources = projected.get("sources") if isinstance(projected, dict) else None
    names = {_source_name(one) for one in sources} if isinstance(sources, list) else set()
    return names.pop() if len(names) == 1 else None


def _source_name(source: JSON) -> str | None:
    holders = source.values() if isinstance(source, dict) and len(source) == 1 else ()
    for kind, holder in zip(source, holders, strict=False):
        if kind in ("configMap", "secret") and isinstance(holder, dict):
            return str(holder.get("name"))
    return None


def _waiting(pod: JSON, chosen: frozenset[str], mount: Mount, *, at: str) -> list[JSON]:
    """Return the init containers, with the one that waits before those that run the application.

    It comes after sidecars: the way to a database may lead through one.
    """
    first = [*_objects(pod, _INIT_CONTAINERS, at=at)]
    runs = [one for one in (*pod[_CONTAINERS], *first) if _name(one) in chosen]
    wanted = _wait_container(runs[0], mount.wait, at=at)
    for index, one in enumerate(first):
        if _name(one) == WAIT:
            if _PROGRAM not in (one.get("command") or ()):
                raise RefusedError(
                    f"{at}.{_INIT_CONTAINERS}[{index}]",
                    f"the name {WAIT} belongs to another container",
                    "Rename that container",
                )
            first[index] = wanted
            return first
    sidecars = [index for index, one in enumerate(first) if one.get("restartPolicy") == "Always"]
    after = sidecars[-1] + 1 if sidecars else 0
    places = (index for index, one in enumerate(first) if index >= after and _name(one) in chosen)
    first.insert(next(places, len(first)), wanted)
    return first


def _wait_container(application: JSON, interpreter: str, *, at: str) -> JSON:
    own = _object(application.get("securityContext") or {}, f"{at}.containers.securityContext")
    identity = {field: own[field] for field in _IDENTITY if field in own}
    return {
        "name": WAIT,
        **{field: application[field] for field in _LIKE_THE_APPLICATION if field in application},
        "command": [interpreter, _PROGRAM],
        "volumeMounts": application["volumeMounts"],
        "securityContext": {
            **identity,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": own.get("seccompProfile", {"type": "RuntimeDefault"}),
        },
    }


def _each(pod: JSON, kind: str, change: Callable[[JSON, str], JSON], *, at: str) -> list[JSON]:
    listed = _objects(pod, kind, at=at)
    return [change(one, f"{at}.{kind}[{index}]") for index, one in enumerate(listed)]


def _name(container: JSON) -> str:
    return str(container.get("name"))


def _objects(holder: JSON, field: str, *, at: str) -> list[JSON]:
    listed = holder.get(field) or []
    if isinstance(listed, list) and all(isinstance(one, dict) for one in listed):
        return listed
    raise RefusedError(f"{at}.{field}", "is no list of objects", "Correct it")


def _object(value: JSON, at: str) -> JSON:
    if isinstance(value, dict):
        return value
    raise RefusedError(at, "is no object", "Correct it")
