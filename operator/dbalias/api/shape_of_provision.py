"""The shapes of ``spec.serverRef`` and ``spec.provision`` of a DatabaseAlias."""

from __future__ import annotations

from dbalias.api import limits
from dbalias.api.provision import Charset, DeletionPolicy
from dbalias.api.shapes import Flag, Items, Number, Record, Text, choice

SERVER_REF = Record(
    {
        "name": Text(limits.OBJECT_NAME_LENGTH, pattern=limits.OBJECT_NAME),
        "namespace": Text(limits.DNS_LABEL_LENGTH, pattern=limits.DNS_LABEL),
    },
    required=("name",),
)

IDENTIFIER = Text(limits.POSTGRESQL_NAME_LENGTH, pattern=limits.NO_NUL)
WORD = Text(128, pattern=limits.NO_NUL)

DATABASE = Record(
    {
        "encoding": WORD,
        "locale": WORD,
        "template": IDENTIFIER,
        "extensions": Items(
            Record({"name": IDENTIFIER, "schema": IDENTIFIER, "version": WORD}, required=("name",)),
            64,
            keys=("name",),
        ),
        "schemas": Items(IDENTIFIER, 64, distinct=True),
        "connectionLimit": Number(1, 262_143),
        "charset": WORD,
        "collation": WORD,
    }
)

PROVISION = Record(
    {
        "database": DATABASE,
        "deletionPolicy": choice(DeletionPolicy),
        "adopt": Flag(),
        "password": Record({"length": Number(16, 128), "charset": choice(Charset)}),
        "rotation": Record({"interval": Text(8)}, required=("interval",)),
        "readOnly": Flag(),
    }
)
