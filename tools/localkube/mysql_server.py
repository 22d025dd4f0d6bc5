"""MySQL itself, where somebody has it: ``DBALIAS_MYSQLD`` names the program.

Debian's stable releases have MariaDB alone; `make mysql` gets one of its unstable packages.
"""

import os
from pathlib import Path

from localkube.databases import MariaDBServer
from localkube.errors import LocalkubeError

VARIABLE = "DBALIAS_MYSQLD"


class MySQLServer(MariaDBServer):
    """MySQL 8 or later, utf8mb4, names of clients never resolved."""

    kind = "mysql"
    engine = "mysql"

    def _initialise(self, data: Path) -> None:
        self._run([_program(), "--no-defaults", "--initialize-insecure", f"--datadir={data}"])
        self._prepare_first_start(data, "DROP USER root@localhost;\n")

    def _argv(self, data: Path) -> list[str]:
        words = super()._argv(data)[1:]
        # It logs for replicas by default, and then lets none but SUPER make triggers.
        own = {"mysqlx": "OFF", "secure-file-priv": "", "log-bin-trust-function-creators": "ON"}
        return [_program(), *words, *(f"--{name}={value}" for name, value in own.items())]


def _program() -> str:
    if not (found := os.environ.get(VARIABLE)):
        raise LocalkubeError(f"{VARIABLE} names no mysqld: set it, or run `make mysql`")
    return found
