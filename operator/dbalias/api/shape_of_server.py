"""The shape of a DatabaseServer's spec."""

from __future__ import annotations

from dbalias.api import limits
from dbalias.api.server import AllowedFrom, ServerEngine
from dbalias.api.shape_of_alias import CREDENTIALS, TLS
from dbalias.api.shape_of_pod import LABEL_SELECTOR
from dbalias.api.shape_of_provision import IDENTIFIER
from dbalias.api.shapes import Flag, Items, Number, Record, Text, choice

ALLOWED_NAMESPACES = Record(
    {
        "from": choice(AllowedFrom),
        "names": Items(
            Text(limits.DNS_LABEL_LENGTH, pattern=limits.DNS_LABEL), 256, min_items=1, distinct=True
        ),
        "selector": LABEL_SELECTOR,
    }
)

SERVER_SPEC = Record(
    {
        "engine": choice(ServerEngine),
        "host": Text(limits.DOMAIN_LENGTH, pattern=limits.ONE_HOST),
        "port": Number(1, limits.MAX_PORT),
        "tls": TLS,
        "adminCredentials": CREDENTIALS,
        "allowedNamespaces": ALLOWED_NAMESPACES,
        "adoptable": Items(
            Text(limits.MYSQL_NAME_LENGTH, pattern=limits.NO_NUL), 256, distinct=True
        ),
        "maxConnections": Number(1, limits.MAX_SERVER_CONNECTIONS),
        "database": IDENTIFIER,
        "checkLogins": Flag(),
    },
    required=("engine", "host", "adminCredentials"),
)
