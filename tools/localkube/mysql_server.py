"""MySQL itself, where it is installed: Debian's stable releases have MariaDB alone."""

from pathlib import Path

from localkube.database_process import find_program
from localkube.databases import MariaDBServer


class MySQLServer(MariaDBServer):
    """MySQL 8 or later, utf8mb4, names of clients never resolved."""

    kind = "mysql"
    engine = "mysql"
    program = ("mysqld", "mysql-server")
    ends_sessions = "CONNECTION_ADMIN"
    encrypts = True  # it takes no password otherwise, but with RSA, which the driver lacks

    def _initialise(self, data: Path) -> None:
        initialise = ["--no-defaults", "--initialize-insecure", f"--datadir={data}"]
        self._run([find_program(*self.program), *initialise])
        self._prepare_first_start(data, "DROP USER root@localhost;\n")

    def _argv(self, data: Path) -> list[str]:
        # It logs for replicas by default, and then lets none but SUPER make triggers.
        own = {"mysqlx": "OFF", "secure-file-priv": "", "log-bin-trust-function-creators": "ON"}
        return [*super()._argv(data), *(f"--{name}={value}" for name, value in own.items())]
