"""The shape of a DatabaseAlias' spec."""

from __future__ import annotations

from dbalias.api import limits
from dbalias.api.alias import Pooler, Preset, Role, TLSMode
from dbalias.api.project import MigrateMode
from dbalias.api.shape_of_provision import PROVISION, SERVER_REF
from dbalias.api.shapes import (
    AnyObject,
    Flag,
    Items,
    NumberOrText,
    Record,
    Text,
    choice,
)

ALIAS_NAME = Text(limits.ALIAS_NAME_LENGTH, pattern=limits.ALIAS_NAME)
OBJECT_NAME = Text(limits.OBJECT_NAME_LENGTH, pattern=limits.OBJECT_NAME)
DATA_KEY = Text(limits.OBJECT_NAME_LENGTH, pattern=limits.DATA_KEY)
PROJECT_REF = Record(
    {"name": Text(limits.PROJECT_NAME_LENGTH, pattern=limits.OBJECT_NAME)}, required=("name",)
)
LOCAL_REF = Record({"name": OBJECT_NAME}, required=("name",))
KEY_REF = Record({"name": OBJECT_NAME, "key": DATA_KEY}, required=("name", "key"))
OPTIONS = AnyObject(64)
JSON_TEXT = Text(limits.JSON_TEXT_LENGTH)
CONN_MAX_AGE = NumberOrText(9)
ARGUMENT = Text(1024, min_length=0)
ALIAS_NAMES = Items(ALIAS_NAME, 64, distinct=True)

HOST = Text(limits.HOST_LENGTH)
PORT = NumberOrText(limits.PORT_LENGTH)
USER = Text(limits.USER_LENGTH)

CREDENTIALS = Record(
    {
        "secretRef": LOCAL_REF,
        "preset": choice(Preset),
        "keys": Record(
            dict.fromkeys(("user", "password", "host", "port", "name", "url"), DATA_KEY),
            min_fields=1,
        ),
    },
    required=("secretRef",),
)

TLS = Record(
    {
        "mode": choice(TLSMode),
        "caRef": Record({"configMapKeyRef": KEY_REF, "secretKeyRef": KEY_REF}),
        "clientCertificateRef": LOCAL_REF,
    }
)

TEST = Record(
    {
        "name": Text(limits.DATABASE_NAME_LENGTH),
        "mirror": ALIAS_NAME,
        "dependencies": ALIAS_NAMES,
        "charset": Text(64),
        "collation": Text(128),
        "migrate": Flag(),
        "template": Text(255),
        "passwordSecretRef": KEY_REF,
        "extra": OPTIONS,
        "extraJSON": JSON_TEXT,
    }
)

MIGRATE = Record(
    {
        "mode": choice(MigrateMode),
        "apps": Items(Text(100, pattern=limits.APP_LABEL), 200, min_items=1, distinct=True),
        "dependsOn": ALIAS_NAMES,
        "args": Items(ARGUMENT, 32),
        "connection": Record(
            {
                "host": HOST,
                "port": PORT,
                "user": USER,
                "credentials": CREDENTIALS,
                "options": OPTIONS,
                "optionsJSON": JSON_TEXT,
            },
            min_fields=1,
        ),
    }
)

ALIAS_SPEC = Record(
    {
        "projectRef": PROJECT_REF,
        "alias": ALIAS_NAME,
        "empty": Flag(),
        "engine": Text(255),
        "name": Text(limits.DATABASE_NAME_LENGTH),
        "host": HOST,
        "port": PORT,
        "user": USER,
        "credentials": CREDENTIALS,
        "serverRef": SERVER_REF,
        "provision": PROVISION,
        "tls": TLS,
        "pooler": choice(Pooler),
        "options": OPTIONS,
        "optionsJSON": JSON_TEXT,
        "connMaxAge": CONN_MAX_AGE,
        "connHealthChecks": Flag(),
        "atomicRequests": Flag(),
        "autocommit": Flag(),
        "disableServerSideCursors": Flag(),
        "timeZone": Text(64, pattern=r"^[A-Za-z][A-Za-z0-9_+/-]*$"),
        "test": TEST,
        "extra": OPTIONS,
        "extraJSON": JSON_TEXT,
        "role": choice(Role),
        "inheritFrom": ALIAS_NAME,
        "migrate": MIGRATE,
    },
    required=("projectRef",),
)
