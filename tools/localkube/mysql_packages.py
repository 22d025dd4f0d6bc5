"""MySQL itself from Debian's unstable packages, beside the system: nothing is installed.

`python -m localkube.mysql_packages` prints the path of a mysqld that runs with its own libraries,
fetched from the mirror that this machine's apt uses.
"""

import os
import subprocess
import sys
from pathlib import Path

from localkube.errors import LocalkubeError
from localkube.paths import cache_dir
from localkube.progress import exclusive, run_logged, step

_PACKAGE = "mysql-server-core"
_LAUNCHER = """\
#!/bin/sh
root={root}
exec "$root"/usr/lib64/ld-linux-x86-64.so.2 --library-path "$root/usr/lib/x86_64-linux-gnu" \\
  "$root/usr/sbin/mysqld" "$@" \\
  --lc-messages-dir="$root/usr/share/mysql" --plugin-dir="$root/usr/lib/mysql/plugin"
"""
_CONFIGURATION = """\
Dir::Etc "{folder}/etc";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Acquire::Check-Valid-Until "false";
"""


def provide() -> Path:
    """Return the program, fetched and unpacked unless it is there."""
    # The server's own user must be able to read it, who cannot look into root's home.
    folder = (Path("/var/cache/dbalias") if os.geteuid() == 0 else cache_dir()) / "mysql"
    launcher = folder / "mysqld"
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive(folder / "lock"):
        if not launcher.exists():
            with step("fetching MySQL from Debian's unstable packages", expect="a minute"):
                _fetch(folder)
            launcher.write_text(_LAUNCHER.format(root=folder / "root"))
            launcher.chmod(0o755)
    return launcher


def _fetch(folder: Path) -> None:
    for name in ("etc/apt.conf.d", "etc/preferences.d", "state/lists/partial", "root"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "cache/archives/partial").mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (folder / "etc/sources.list").write_text(f"deb [signed-by={keys}] {_mirror()} sid main\n")
    configuration = folder / "apt.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder))
    log, env = folder / "apt.log", {**os.environ, "APT_CONFIG": str(configuration)}
    install = ["apt-get", "install", "--yes", "--no-install-recommends", "--download-only"]
    run_logged(["apt-get", "update"], log, env=env)
    run_logged([*install, _PACKAGE], log, env=env)
    for package in sorted((folder / "cache/archives").glob("*.deb")):
        run_logged(["dpkg-deb", "--extract", package, folder / "root"], log)


def _mirror() -> str:
    """Return where this machine's own packages come from."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    found = [uri for uri in told if uri.rstrip("/").endswith("/debian")]
    if not found:
        raise LocalkubeError("apt knows no mirror of Debian here: set DBALIAS_MYSQLD to a mysqld")
    return found[0]


if __name__ == "__main__":
    try:
        print(provide())
    except LocalkubeError as error:
        sys.exit(str(error))
