"""Any legal declaration, as hypothesis makes them up, and the dictionary a person would write."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from dbalias.api.limits import GENERATED_SETTINGS, SETTING_NAME
from dbalias.api.parse_alias import OWN_KEYS, OWN_TEST_KEYS
from dbalias.django.engines import ISOLATION_LEVELS
from dbalias.django.options import SECRETS
from dbalias.django.testing import FURTHER_KEYS
from unit.builders import a_secret

HOSTILE = (
    "__import__('os').system('id')",
    "'; import os #",
    '"""\nimport os\n"""',
    "{{7*7}} ${HOME} $(id) `id` %(x)s {0.__class__}",
    "!!python/object/apply:os.system [id]",
    "\\'\\\"\\n\\x00\\u0041",
    "\u2028\u202e\ufeff\x1b[31m\r\n\t",
    "None",
    "1e5",
    "<script>&amp;\ud7ff\U0010ffff",
)
CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
TEXT = st.sampled_from(HOSTILE) | st.text(CHARACTERS, min_size=1, max_size=12)
SHORT = st.text(CHARACTERS, min_size=1, max_size=12)
KEY = TEXT.filter(lambda text: text.lower() not in SECRETS | {"isolation_level"})
WHOLE = st.integers(-(2**70), 2**70)
NUMBER = WHOLE | st.floats(allow_nan=False, allow_infinity=False)
SCALAR = st.none() | st.booleans() | NUMBER | TEXT
ANYTHING = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3),
    max_leaves=6,
)
SETTING = st.from_regex(SETTING_NAME, fullmatch=True).filter(
    lambda name: len(name) < 99 and name not in GENERATED_SETTINGS
)
AGE = st.integers(0, 2**31 - 1) | st.just("Unlimited")
DATABASE = "django.db.backends"

ENGINES = {
    "postgresql": f"{DATABASE}.postgresql",
    "postgis": "django.contrib.gis.db.backends.postgis",
    "mysql": f"{DATABASE}.mysql",
    "mariadb": f"{DATABASE}.mysql",
    "sqlite3": f"{DATABASE}.sqlite3",
    f"{DATABASE}.oracle": f"{DATABASE}.oracle",
    "django.contrib.gis.db.backends.mysql": "django.contrib.gis.db.backends.mysql",
    "shop.backends.anything": "shop.backends.anything",
}
LEVEL = st.sampled_from(ISOLATION_LEVELS).flatmap(
    lambda level: st.sampled_from([level, level.upper(), level.replace(" ", "_")])
)
OPTIONS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "postg": {
        "isolation_level": LEVEL | st.integers(1, 4),
        "sslmode": st.sampled_from(["disable", "verify-full"]) | st.none(),
        "application_name": TEXT,
        "options": TEXT,
        "connect_timeout": st.integers(-1, 99) | st.just("5"),
        "assume_role": TEXT,
        "server_side_binding": st.booleans(),
        "prepare_threshold": st.integers(0, 9) | st.none(),
    },
    "mysql": {
        "isolation_level": LEVEL | st.none(),
        "charset": TEXT,
        "init_command": TEXT,
        "connect_timeout": st.floats(1, 99),
        "ssl": st.dictionaries(KEY, ANYTHING, max_size=3),
        "local_infile": st.booleans(),
    },
    "sqlite": {
        "timeout": st.floats(0, 99) | st.integers(0, 99),
        "transaction_mode": st.sampled_from(["immediate", "EXCLUSIVE"]) | st.none(),
        "init_command": TEXT,
    },
}
"""Options of Django's own backends by a part of their paths; others take anything."""


@dataclass(frozen=True, slots=True)
class Declared:
    """Specs by alias, the project's, the Secrets, and DATABASES as a person would write it."""

    specs: dict[str, dict[str, Any]]
    expected: dict[str, dict[str, Any]]
    project: dict[str, Any] = field(default_factory=dict)
    sources: Any = None
    profiled: dict[str, dict[str, Any]] = field(default_factory=dict)
    further: dict[str, Any] = field(default_factory=dict)


@st.composite
def declarations(draw: st.DrawFn) -> Declared:
    """Return one to three aliases of any engine, with one profile and further settings."""
    specs: dict[str, dict[str, Any]] = {}
    expected: dict[str, dict[str, Any]] = {}
    sources: dict[Any, Any] = {}
    names = draw(st.sampled_from([["default"], ["default", "users"], ["default", "a.b-C_9", "7"]]))
    for name in names:
        engine = draw(st.sampled_from(sorted(ENGINES)))
        specs[name], expected[name], secret = draw(aliases(name, engine))
        sources |= secret
    changes = {name: draw(profile_entries(spec["engine"])) for name, spec in specs.items()}
    profile = [{"alias": name, **spec} for name, (spec, _) in changes.items()]
    extra = draw(st.dictionaries(SETTING, ANYTHING, max_size=2))
    settings = {"extra": [{"name": n, "valueJSON": json.dumps(v)} for n, v in extra.items()]}
    project = {"profiles": [{"name": "web", "aliases": profile}], "settings": settings}
    profiled = {name: changed(expected[name], by_hand) for name, (_, by_hand) in changes.items()}
    return Declared(specs, expected, project, sources, profiled, extra)


def changed(entry: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return an entry with what a profile changes."""
    merged = {**entry, **changes}
    if "OPTIONS" in changes:
        merged["OPTIONS"] = {**entry.get("OPTIONS", {}), **changes["OPTIONS"]}
    return merged


@st.composite
def aliases(draw: st.DrawFn, name: str, engine: str) -> Any:
    """Return a spec, the dictionary that it means, and the Secret that it reads."""
    spec: dict[str, Any] = {"engine": engine}
    entry: dict[str, Any] = {"ENGINE": ENGINES[engine]}
    texts = {"name": SHORT, "host": SHORT.filter(lambda text: "," not in text), "user": SHORT}
    given = {key: draw(strategy) for key, strategy in texts.items()}
    port = draw(st.integers(1, 65535))
    spec |= {**given, "port": draw(st.sampled_from([port, str(port)]))}
    entry |= {**{key.upper(): text for key, text in given.items()}, "PORT": str(port)}
    secret = draw(logins(name, spec, entry))
    for key, django, strategy in SIMPLE:
        if draw(st.booleans()):
            value = draw(strategy)
            spec[key] = value
            entry[django] = None if value == "Unlimited" else value
    options, entry["OPTIONS"] = draw(option_values(engine))
    spec["optionsJSON"] = json.dumps(options)
    extra = draw(st.dictionaries(KEY.filter(lambda key: key not in OWN_KEYS), ANYTHING, max_size=2))
    spec["extraJSON"] = json.dumps(extra)
    spec["test"], entry["TEST"] = draw(rehearsals(engine))
    return spec, {**extra, **entry}, secret


SIMPLE: list[tuple[str, str, st.SearchStrategy[Any]]] = [
    ("connMaxAge", "CONN_MAX_AGE", AGE),
    ("connHealthChecks", "CONN_HEALTH_CHECKS", st.booleans()),
    ("atomicRequests", "ATOMIC_REQUESTS", st.booleans()),
    ("autocommit", "AUTOCOMMIT", st.just(True)),
    ("disableServerSideCursors", "DISABLE_SERVER_SIDE_CURSORS", st.booleans()),
    ("timeZone", "TIME_ZONE", st.sampled_from(["UTC", "Europe/Berlin", "Etc/GMT+5"])),
]


@st.composite
def logins(draw: st.DrawFn, name: str, spec: dict[str, Any], entry: dict[str, Any]) -> Any:
    """Return a Secret with a password, and perhaps more, that the alias reads; or none."""
    if not draw(st.booleans()):
        return {}
    password = draw(TEXT)
    keys, data = {"password": "pw"}, {"pw": password}
    entry["PASSWORD"] = password
    if "mysql" in entry["ENGINE"] and not password.isascii():
        entry["PASSWORD"] = password.encode()  # the only way through PyMySQL
    others = ["user"] if spec["engine"] == "sqlite3" else ["user", "name"]
    for key in draw(st.sets(st.sampled_from(others))):
        keys[key], data[f"the-{key}"] = f"the-{key}", spec.pop(key)
    secret = f"login-{name.lower().replace('_', '-')}"
    spec["credentials"] = {"secretRef": {"name": secret}, "keys": keys}
    return a_secret(secret, **data)


@st.composite
def option_values(draw: st.DrawFn, engine: str) -> Any:
    """Return OPTIONS as declared, and as the backend wants them."""
    path = ENGINES[engine]
    known = next((some for part, some in OPTIONS.items() if part in path), None)
    if known is None:
        keys = KEY if "shop" in engine else st.sampled_from(["threaded", "events"])
        values = draw(st.dictionaries(keys, ANYTHING, max_size=3))
        return values, values
    values = draw(st.fixed_dictionaries({}, optional=known))
    meant = dict(values)
    if isinstance(level := values.get("isolation_level"), str):
        plain = level.lower().replace("_", " ")
        meant["isolation_level"] = (
            ISOLATION_LEVELS.index(plain) + 1 if known is POSTGRESQL else plain
        )
    return values, meant


POSTGRESQL = OPTIONS["postg"]


@st.composite
def profile_entries(draw: st.DrawFn, engine: str) -> Any:
    """Return what a profile changes in an alias, as declared and by Django's keys."""
    spec: dict[str, Any] = {}
    entry: dict[str, Any] = {}
    for key, django, strategy in SIMPLE[:3]:
        if draw(st.booleans()):
            value = draw(strategy)
            spec[key] = value
            entry[django] = None if value == "Unlimited" else value
    if draw(st.booleans()):
        options, entry["OPTIONS"] = draw(option_values(engine))
        spec["optionsJSON"] = json.dumps(options)
    return spec, entry


@st.composite
def rehearsals(draw: st.DrawFn, engine: str) -> Any:
    """Return TEST as declared and as Django wants it."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "name": SHORT,
        "charset": TEXT,
        "migrate": st.booleans(),
        "template": TEXT,
        "dependencies": st.just([]),
    }
    if "postg" not in engine:
        fields["collation"] = TEXT
    spec = draw(st.fixed_dictionaries({}, optional=fields))
    further = draw(
        st.dictionaries(
            KEY.filter(lambda key: key not in OWN_TEST_KEYS | FURTHER_KEYS.keys()),
            ANYTHING,
            max_size=2,
        )
    )
    further |= draw(st.fixed_dictionaries({}, optional={"CREATE_DB": st.booleans(), "USER": TEXT}))
    meant = {**further, **{key.upper(): value for key, value in spec.items()}}
    return {**spec, "extraJSON": json.dumps(further)}, meant
