"""MySQL, and a newer MariaDB, from Debian's unstable packages: unpacked, not installed.

`python -m localkube.unstable_servers mysql|mariadb` prints a folder with programs that run with
the libraries they were built for, fetched from the mirror that this machine's apt uses.
"""

import os
import subprocess
import sys
from pathlib import Path

from localkube.errors import LocalkubeError
from localkube.paths import cache_dir
from localkube.progress import exclusive, run_logged, step

_PACKAGES = {
    "mysql": ("mysql-server-core",),
    "mariadb": ("mariadb-server-core", "mariadb-server"),
}
_PROGRAMS = {
    "mysql": {"usr/sbin/mysqld": "--lc-messages-dir={root}/usr/share/mysql"},
    "mariadb": {
        "usr/sbin/mariadbd": "--lc-messages-dir={root}/usr/share/mariadb",
        "usr/bin/my_print_defaults": "",
        "usr/bin/resolveip": "",
    },
}
_LAUNCHER = """\
#!/bin/sh
exec {root}/usr/lib64/ld-linux-x86-64.so.2 --library-path {root}/usr/lib/x86_64-linux-gnu \\
  {program} "$@" {options}
"""
# It finds the other programs below its base, where they are launchers.
_INSTALL_DB = """\
#!/bin/sh
shift  # --no-defaults, which has to stay the first
exec {root}/usr/bin/mariadb-install-db --no-defaults --basedir={root}/usr "$@"
"""
_CONFIGURATION = """\
Dir::Etc "{folder}/etc";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Acquire::Check-Valid-Until "false";
"""


def provide(name: str) -> Path:
    """Return the folder with a server's programs, fetched and unpacked unless it is there."""
    # The server's own user must be able to read it, who cannot look into root's home.
    folder = (Path("/var/cache/dbalias") if os.geteuid() == 0 else cache_dir()) / f"new-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive(folder / "lock"):
        if not (folder / "bin").exists():
            with step(f"fetching {name} from Debian's unstable packages", expect="a minute"):
                _fetch(folder, _PACKAGES[name])
            _make_launchers(folder, name)
    return folder / "bin"


def _fetch(folder: Path, packages: tuple[str, ...]) -> None:
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
    run_logged([*install, *packages], log, env=env)
    for package in sorted((folder / "cache/archives").glob("*.deb")):
        run_logged(["dpkg-deb", "--extract", package, folder / "root"], log)


def _make_launchers(folder: Path, name: str) -> None:
    root, made = folder / "root", folder / "bin.partial"
    made.mkdir(exist_ok=True)
    for path, options in _PROGRAMS[name].items():
        program, moved = root / path, root / f"{path}.program"
        if not moved.exists():
            program.rename(moved)
        text = _LAUNCHER.format(root=root, program=moved, options=options.format(root=root))
        _write_program(program, text)
        _write_program(made / program.name, text)
    if name == "mariadb":
        _write_program(made / "mariadb-install-db", _INSTALL_DB.format(root=root))
    made.rename(folder / "bin")


def _write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _mirror() -> str:
    """Return where this machine's own packages come from."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    found = [uri for uri in told if uri.rstrip("/").endswith("/debian")]
    if not found:
        raise LocalkubeError("apt knows no mirror of Debian on this machine")
    return found[0]


if __name__ == "__main__":
    try:
        print(provide(sys.argv[1]))
    except LocalkubeError as error:
        sys.exit(str(error))
