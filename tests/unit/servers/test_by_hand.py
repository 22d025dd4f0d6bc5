"""Statements that an administrator is shown."""

from __future__ import annotations

import pytest

from dbalias.api.server import ServerEngine
from dbalias.servers.by_hand import removal
from dbalias.servers.names import role_names


@pytest.mark.parametrize("engine", [ServerEngine.MYSQL, ServerEngine.MARIADB])
def test_claims_go_last_where_they_are_rows(engine: ServerEngine) -> None:
    """Were they first, a database would be left that nobody could tell from a foreign one."""
    names = role_names("shop", "users", engine=engine)
    assert removal(engine, "shop_users", names) == (
        "DROP DATABASE IF EXISTS `shop_users`",
        "DROP USER IF EXISTS `shop_users_a`@`%`, `shop_users_b`@`%`, "
        "`shop_users_ra`@`%`, `shop_users_rb`@`%`",
        "DELETE FROM dbalias.logins WHERE login IN "
        "('shop_users_a', 'shop_users_b', 'shop_users_ra', 'shop_users_rb')",
        "DELETE FROM dbalias.claims WHERE `database` = 'shop_users'",
    )


@pytest.mark.parametrize("engine", list(ServerEngine))
def test_name_of_a_database_never_ends_a_statement(engine: ServerEngine) -> None:
    """It came from an alias, and is pasted by an administrator."""
    names = role_names("shop", "users", engine=engine)
    whole = "\n".join(removal(engine, "x\"`'; DROP DATABASE y; --", names))
    quoted = '"x""`\'; ' if engine is ServerEngine.POSTGRESQL else "`x\"``'; "
    assert quoted in whole
    assert whole.count("DROP DATABASE y") == 1
