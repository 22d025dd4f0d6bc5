"""One entry of DATABASES as the spec of a DatabaseAlias, its password apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from dbalias.api.alias import UNLIMITED
from dbalias.api.meta import DEFAULT_ALIAS, JSON
from dbalias.api.parse_alias import TEST_KEYS
from dbalias.cli.importing.certificates import Certificates
from dbalias.cli.importing.notes import Notes
from dbalias.cli.importing.values import NotJSONError, to_json
from dbalias.django.engines import SHORT_NAMES, Family, family_of
from dbalias.django.options import OWN_FIELDS, SECRETS

DUMMY = "django.db.backends.dummy"
WORDS = {path: word for word, path in reversed([*SHORT_NAMES.items()])}
"""Dotted path → short name, the first of several."""

FLAGS = {
    "CONN_HEALTH_CHECKS": ("connHealthChecks", False),
    "ATOMIC_REQUESTS": ("atomicRequests", False),
    "AUTOCOMMIT": ("autocommit", True),
    "DISABLE_SERVER_SIDE_CURSORS": ("disableServerSideCursors", None),
}
"""Django's key → the field, and the value that Django assumes."""

SECRET_NAME = re.compile(r"pass(w(or)?d|phrase)|secret|token|credential|api_?key", re.IGNORECASE)
SECRET_TEXT = re.compile(r"://[^/@\s]*:[^/@\s]+@|\b(password|passwd|pwd)\s*=", re.IGNORECASE)


@dataclass(slots=True)
class Draft:
    """A DatabaseAlias in the making; ``options`` and ``extra`` wait for a form that keeps them."""

    alias: str
    object: str
    spec: dict[str, JSON] = field(default_factory=dict)
    options: dict[str, JSON] = field(default_factory=dict)
    extra: dict[str, JSON] = field(default_factory=dict)
    test_extra: dict[str, JSON] = field(default_factory=dict)
    password: str | None = field(default=None, repr=False)
    test_password: str | None = field(default=None, repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether it is the empty default."""
        return bool(self.spec.get("empty"))


def draft_entry(
    alias: str, entry: Mapping[Any, Any], *, object: str, certificates: Certificates, notes: Notes
) -> Draft | None:
    """Return an entry of DATABASES as a draft; None for one that no alias can be."""
    reading = _Reading(alias, dict(entry), notes)
    draft = Draft(alias, object)
    engine = reading.text("ENGINE")
    if engine in ("", DUMMY):
        return _dummy(draft, reading)
    draft.spec["engine"] = WORDS.get(engine, engine)
    options = reading.options()
    _read_address(draft, reading)
    _read_behaviour(draft, reading)
    tls = certificates.take(family_of(engine), options, owner=object, subject=reading.subject)
    if tls:
        draft.spec["tls"] = tls
    draft.options = reading.json_of(options, "OPTIONS")
    _read_test(draft, reading)
    draft.password = _password(draft, reading, family_of(engine))
    draft.extra = reading.rest()
    return draft


def _dummy(draft: Draft, reading: _Reading) -> Draft | None:
    if draft.alias != DEFAULT_ALIAS:
        why = "it has no ENGINE, which only the alias default may lack"
        reading.notes.lose(reading.subject, why)
        return None
    reading.take("ENGINE")
    if reading.left:
        keys = ", ".join(sorted(map(str, reading.left)))
        reading.notes.tell(reading.subject, f"it has no ENGINE, so {keys} mean nothing: left out")
    draft.spec["empty"] = True
    return draft


def _read_address(draft: Draft, reading: _Reading) -> None:
    for key in ("NAME", "HOST", "USER"):
        if text := reading.text(key):
            draft.spec[key.lower()] = text
    if port := reading.text("PORT"):
        draft.spec["port"] = int(port) if port.isascii() and port.isdigit() else port


def _read_behaviour(draft: Draft, reading: _Reading) -> None:
    age = reading.take("CONN_MAX_AGE", 0)
    if age is None:
        draft.spec["connMaxAge"] = UNLIMITED
    elif isinstance(age, int | float) and age == int(age) and age >= 0:
        draft.spec |= {"connMaxAge": int(age)} if age else {}
    else:
        reading.lose("CONN_MAX_AGE", "it is no number of seconds that Django could keep")
    for key, (name, assumed) in FLAGS.items():
        value = reading.take(key, assumed)
        if value not in (None, True, False):
            reading.notes.tell(reading.subject, f"{key} is neither true nor false: taken as true")
        if value is not None and bool(value) is not assumed:
            draft.spec[name] = bool(value)
    if zone := reading.text("TIME_ZONE"):
        draft.spec["timeZone"] = zone


def _read_test(draft: Draft, reading: _Reading) -> None:
    """Read TEST; of what has a field, Django's own None means not set."""
    given = reading.dictionary("TEST")
    draft.test_password = reading.plain("TEST.PASSWORD", given.pop("PASSWORD", None)) or None
    fields = {key: name for name, key in TEST_KEYS.items()}
    said = reading.json_of(
        {key: one for key, one in given.items() if one is not None or key not in fields}, "TEST"
    )
    if test := {fields[key]: value for key, value in said.items() if key in fields}:
        draft.spec["test"] = test
    draft.test_extra = {key: value for key, value in said.items() if key not in fields}


def _password(draft: Draft, reading: _Reading, family: Family) -> str | None:
    password = reading.text("PASSWORD")
    if password and family is not Family.OTHER and "user" not in draft.spec:
        reading.lose("PASSWORD", "it is of no use without USER")
        return None
    return password or None


class _Reading:
    """The keys of one entry, each taken once; what cannot be said becomes a note."""

    def __init__(self, alias: str, left: dict[Any, Any], notes: Notes) -> None:
        self.subject = f'alias "{alias}"'
        self.left = left
        self.notes = notes

    def take(self, key: str, default: Any = None) -> Any:
        """Return a value and take it away."""
        return self.left.pop(key, default)

    def lose(self, path: str, why: str) -> None:
        """Say that a value is left out."""
        self.notes.lose(self.subject, f"{path} is left out: {why}")

    def text(self, key: str) -> str:
        """Take a value that Django takes as text; return "" where there is none."""
        return self.plain(key, self.take(key))

    def plain(self, key: str, value: Any) -> str:
        """Return a value as text; "" where there is none."""
        if isinstance(value, bytes):
            value = value.decode("utf-8", "surrogateescape")
        if isinstance(value, bool) or not isinstance(value, str | int | PurePosixPath | None):
            self.lose(key, f"it is {getattr(value, 'what', 'no text')}")
            return ""
        text = "" if value is None else str(value)
        if "\0" in text or text != text.encode(errors="replace").decode():
            self.lose(key, "it is no text without NUL")
            return ""
        return text

    def options(self) -> dict[Any, Any]:
        """Return OPTIONS without what has a place of its own: address and login."""
        options = self.dictionary("OPTIONS")
        places = {key: where.removeprefix("spec.").upper() for key, where in OWN_FIELDS.items()}
        for key, place in {**places, "password": "PASSWORD", "passwd": "PASSWORD"}.items():
            if options.get(key) and not self.left.get(place):
                self.left[place] = options.pop(key)
                self.notes.tell(self.subject, f"OPTIONS.{key} is said as {place}")
        return options

    def rest(self) -> dict[str, JSON]:
        """Return the keys that Django itself does not know, which some backends read."""
        left, self.left = self.left, {}
        return self.json_of(left, "")

    def json_of(self, values: Mapping[Any, Any], where: str) -> dict[str, JSON]:
        """Return what of a dictionary can be published as JSON, and note the rest."""
        said: dict[str, JSON] = {}
        for key, value in values.items():
            path = f"{where}.{key}" if where else str(key)
            try:
                [(name, plain)] = to_json({key: value}, where).items()
            except NotJSONError as error:
                self.lose(error.path or path, f"it is {error.what}")
                continue
            if secret := _find_secret(name, plain, where):
                self.lose(secret, "it looks secret, and would be published in a ConfigMap")
            else:
                said[name] = plain
        return said

    def dictionary(self, key: str) -> dict[Any, Any]:
        """Take a dictionary; return {} where there is none."""
        value = self.take(key)
        if value is not None and not isinstance(value, dict):
            self.lose(key, "it is no dictionary")
        return dict(value) if isinstance(value, dict) else {}


def _find_secret(key: str, value: JSON, where: str) -> str | None:
    """Return the path of what looks secret by its name or its form, None if nothing does."""
    path = f"{where}.{key}" if where else key
    if value and (key.lower() in SECRETS or SECRET_NAME.search(key)):
        return path
    match value:
        case str() if SECRET_TEXT.search(value):
            return path
        case dict():
            inside = (_find_secret(name, item, path) for name, item in value.items())
        case list():
            inside = (_find_secret(f"[{index}]", item, path) for index, item in enumerate(value))
        case _:
            return None
    return next(filter(None, inside), None)
