"""The shape of a DjangoProject's spec."""

from __future__ import annotations

from dbalias.api import limits
from dbalias.api.project import (
    AuditMode,
    CommandScope,
    CommandTime,
    MigrateMode,
    OnFailure,
    PublishMode,
    SettingsMode,
    Unmatched,
    WorkloadKind,
)
from dbalias.api.shape_of_alias import (
    ALIAS_NAME,
    ARGUMENT,
    CONN_MAX_AGE,
    JSON_TEXT,
    OBJECT_NAME,
    OPTIONS,
)
from dbalias.api.shape_of_pod import POD
from dbalias.api.shapes import Anything, Flag, Items, Number, Record, Text, choice

WORD = Text(1024)
ROUTERS = Items(Text(255, pattern=limits.DOTTED_PATH), 64, distinct=True)

SETTINGS = Record(
    {
        "module": Text(255, pattern=limits.MODULE),
        "mode": choice(SettingsMode),
        "extra": Items(
            Record(
                {"name": Text(128), "value": Anything(), "valueJSON": JSON_TEXT},
                required=("name",),
            ),
            100,
            keys=("name",),
        ),
    }
)

ROUTING = Record(
    {
        "before": ROUTERS,
        "after": ROUTERS,
        "unmatched": choice(Unmatched),
        "audit": choice(AuditMode),
    }
)

PROFILE = Record(
    {
        "name": Text(limits.ALIAS_NAME_LENGTH, pattern=limits.ALIAS_NAME),
        "aliases": Items(
            Record(
                {
                    "alias": Text(limits.ALIAS_NAME_LENGTH, pattern=limits.PROFILE_ALIAS),
                    "connMaxAge": CONN_MAX_AGE,
                    "connHealthChecks": Flag(),
                    "atomicRequests": Flag(),
                    "options": OPTIONS,
                    "optionsJSON": JSON_TEXT,
                },
                required=("alias",),
            ),
            200,
            keys=("alias",),
        ),
    },
    required=("name",),
)

MIGRATE = Record(
    {
        "mode": choice(MigrateMode),
        "command": Items(WORD, 32),
        "args": Items(ARGUMENT, 32),
        "maxParallel": Number(1, 100),
        "lockTimeoutSeconds": Number(1, 86_400),
        "deadlineSeconds": Number(1, 2_592_000),
        "historyLimit": Number(0, 20),
        "pod": POD,
    }
)

COMMAND = Record(
    {
        "name": Text(40, pattern=limits.DNS_LABEL),
        "args": Items(ARGUMENT, 64, min_items=1),
        "scope": choice(CommandScope),
        "databases": Items(ALIAS_NAME, 200, distinct=True),
        "when": choice(CommandTime),
        "onFailure": choice(OnFailure),
    },
    required=("name", "args"),
)

PROJECT_SPEC = Record(
    {
        "image": Text(512, pattern=r"^\S+$"),
        "settings": SETTINGS,
        "interpreter": Items(WORD, 8),
        "routing": ROUTING,
        "publish": choice(PublishMode),
        "profiles": Items(PROFILE, 32, keys=("name",)),
        "waitFor": Record(
            {
                "aliases": Items(ALIAS_NAME, 1000, distinct=True),
                "policies": Items(OBJECT_NAME, 200, distinct=True),
            }
        ),
        "migrate": MIGRATE,
        "commands": Items(COMMAND, 64, keys=("name",)),
        "workloads": Items(
            Record({"kind": choice(WorkloadKind), "name": OBJECT_NAME}, required=("kind", "name")),
            64,
            keys=("kind", "name"),
        ),
        "suspend": Flag(),
    }
)
