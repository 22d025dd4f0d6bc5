"""The machine's pip settings, carried into image builds and left out of the images."""

import ast
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_CA_FOLDER = Path("/etc/ssl/certs")
_CA_BUNDLE = _CA_FOLDER / "ca-certificates.crt"


def machine_pip_settings() -> dict[str, str]:
    """Return pip's settings from all its files and PIP_* variables, the stronger ones winning."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    files: dict[str, str] = {}
    variables: dict[str, str] = {}
    for line in told.splitlines():
        name, separator, value = line.partition("=")
        if not separator:
            continue
        section, _, key = name.rpartition(".")
        # Values are printed as Python literals.
        target = variables if section == ":env:" else files
        if section in (":env:", "global", "install"):
            target[key] = str(ast.literal_eval(value))
    return {**files, **variables}


def pip_config_text(settings: Mapping[str, str]) -> str:
    """Return a pip.conf for the build; a CA bundle of the machine is used where none is named."""
    known = dict(settings)
    if _CA_BUNDLE.exists():
        known["cert"] = str(_CA_BUNDLE)
    lines = [f"{name} = {' '.join(value.split())}" for name, value in sorted(known.items())]
    return "\n".join(["[global]", *lines]) + "\n"


def build_volumes(config: Path) -> list[str]:
    """Write the pip configuration and return what to mount while an image is built."""
    settings = machine_pip_settings()
    config.write_text(pip_config_text(settings))
    volumes = [f"{config}:/etc/pip.conf:ro"]
    if _CA_FOLDER.is_dir():
        volumes.append(f"{_CA_FOLDER}:{_CA_FOLDER}:ro")
    folders = {word for word in settings.get("find-links", "").split() if Path(word).is_dir()}
    return volumes + [f"{folder}:{folder}:ro" for folder in sorted(folders)]
