"""Which server of the family it is, by what it says itself: what is declared may be wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dbalias.api.secrets import SecretBytes
from dbalias.servers.password_hashes import hash_caching_sha2_password, hash_native_password

_FIRST_WITH_SHA2 = 8
"""MySQL 8.0; MySQL 9 has no mysql_native_password any more, MariaDB no caching_sha2_password."""


@dataclass(frozen=True, slots=True)
class Flavour:
    """MySQL or MariaDB, and how it goes about names."""

    product: str
    number: str
    lowers_names: bool = False
    """The server stores, or compares, names of databases in lower case."""

    @property
    def version(self) -> str:
        """Return the version as people say it."""
        return f"{self.product} {self.number}"

    @property
    def plugin(self) -> str:
        """Return the authentication plugin of the logins that are made."""
        sha2 = self.product == "MySQL" and int(self.number.split(".")[0]) >= _FIRST_WITH_SHA2
        return "caching_sha2_password" if sha2 else "mysql_native_password"

    def hash_password(self, password: SecretBytes) -> str:
        """Return what ``plugin`` stores of a password."""
        if self.plugin == "caching_sha2_password":
            return hash_caching_sha2_password(password.reveal())
        return hash_native_password(password.reveal())


def read_flavour(version: str, lower_case_table_names: int) -> Flavour:
    """Tell the server by the answer to ``SELECT VERSION()``; ``5.5.5-`` is MariaDB's disguise."""
    product = "MariaDB" if "mariadb" in version.lower() else "MySQL"
    number = re.match(r"(?:5\.5\.5-(?=\d))?(\d+(?:\.\d+)*)", version)
    return Flavour(product, number[1] if number else "0", lowers_names=lower_case_table_names != 0)
