"""How declared fields, inherited or own, become Django's keys."""

from __future__ import annotations

from typing import Any

import pytest

from dbalias.api.alias import TLS, AliasMigrate, MigrateConnection, ObjectKeyRef, Pooler, TLSMode
from dbalias.api.conditions import Reason
from dbalias.api.project import Profile, ProfileEntry
from dbalias.django.resolve import resolve
from dbalias.django.sources import Missing, SourceKind, SourceRef, required_sources
from unit.builders import (
    a_child,
    a_config_map,
    a_project,
    a_replica,
    a_secret,
    an_alias,
    credentials,
)
from unit.django.resolving import INVALID, problems_of, settings_of

DIRECT = AliasMigrate(connection=MigrateConnection(host="direct"))
CA = ObjectKeyRef("ConfigMap", "ca", "ca.pem")


@pytest.mark.parametrize(
    ("field", "value", "key", "expected"),
    [
        ("engine", "mariadb", "ENGINE", "django.db.backends.mysql"),
        ("engine", "postgis", "ENGINE", "django.contrib.gis.db.backends.postgis"),
        ("engine", "olympia.core.mysql", "ENGINE", "olympia.core.mysql"),
        ("port", 5433, "PORT", "5433"),
        ("conn_max_age", "Unlimited", "CONN_MAX_AGE", None),
        ("conn_max_age", 60, "CONN_MAX_AGE", 60),
        ("conn_health_checks", True, "CONN_HEALTH_CHECKS", True),
        ("atomic_requests", True, "ATOMIC_REQUESTS", True),
        ("autocommit", False, "AUTOCOMMIT", False),
        ("disable_server_side_cursors", False, "DISABLE_SERVER_SIDE_CURSORS", False),
        ("time_zone", "Europe/Berlin", "TIME_ZONE", "Europe/Berlin"),
        ("test", {"NAME": "t"}, "TEST", {"NAME": "t"}),
        ("extra", {"POOL_OPTIONS": {"a": 1}}, "POOL_OPTIONS", {"a": 1}),
        ("options", {"isolation_level": "Repeatable Read"}, "OPTIONS", {"isolation_level": 3}),
        ("options", {"isolation_level": 4}, "OPTIONS", {"isolation_level": 4}),
        ("port", "5433", "PORT", "5433"),
        ("host", "/var/run/postgresql", "HOST", "/var/run/postgresql"),
    ],
)
def test_a_field_is_spelled_as_django_spells_it(
    field: str, value: Any, key: str, expected: Any
) -> None:
    """One row for each field of the resource."""
    assert settings_of(an_alias(**{field: value}))[key] == expected


def test_what_is_not_set_is_not_published() -> None:
    """HOST None crashes MySQL, OPTIONS None every backend."""
    assert set(settings_of(an_alias())) == {"ENGINE", "NAME", "USER"}


POSTGIS, MYSQL_GIS = (
    "django.contrib.gis.db.backends.postgis",
    "django.contrib.gis.db.backends.mysql",
)


@pytest.mark.parametrize(
    ("engine", "level", "wanted"),
    [
        ("postgresql", "serializable", 4),
        ("postgis", "Read-Committed", 2),
        (POSTGIS, 3, 3),
        ("django_prometheus.db.backends.postgresql", "REPEATABLE_READ", 3),
        ("mysql", "READ_COMMITTED", "read committed"),
        ("mariadb", None, None),
        (MYSQL_GIS, "Serializable", "serializable"),
        ("olympia.core.db.mysql", "read  uncommitted", "read uncommitted"),
        ("mssql", "READ COMMITTED SNAPSHOT", "READ COMMITTED SNAPSHOT"),
        ("shop.backends.own", 17, 17),
    ],
)
def test_an_isolation_level_becomes_what_the_backend_wants(
    engine: str, level: Any, wanted: Any
) -> None:
    """A number for PostgreSQL, a name for MySQL, also where a third party builds on them."""
    found = settings_of(an_alias(engine=engine, options={"isolation_level": level}))
    assert found["OPTIONS"] == {"isolation_level": wanted}


def test_a_child_takes_fields_and_merges_options() -> None:
    """All but atomicRequests, test and migrate come from the parent."""
    parent = an_alias(
        "default",
        options={"application_name": "a", "connect_timeout": 5},
        conn_max_age=60,
        atomic_requests=True,
        test={"NAME": "t"},
    )
    found = settings_of(parent, a_child("other", "default", options={"connect_timeout": 9}))
    assert found["OPTIONS"] == {"application_name": "a", "connect_timeout": 9}
    assert (found["NAME"], found["CONN_MAX_AGE"]) == ("default_data", 60)
    assert not found.keys() & {"ATOMIC_REQUESTS", "TEST"}


def test_a_replica_mirrors_the_primary_behind_its_parents() -> None:
    """Django cannot mirror a mirror."""
    chain = an_alias("default"), a_replica("r1", "default"), a_replica("r2", "r1")
    assert settings_of(*chain)["TEST"] == {"MIRROR": "default"}
    own = a_replica("r3", "default", test={"MIRROR": "other"})
    assert settings_of(chain[0], an_alias("other"), own)["TEST"] == {"MIRROR": "other"}
    mirror = an_alias("users", test={"MIRROR": "default"})
    assert settings_of(chain[0], mirror, a_replica("r4", "users"))["TEST"] == {"MIRROR": "default"}


@pytest.mark.parametrize(
    ("engine", "mode", "options", "files"),
    [
        ("postgresql", TLSMode.VERIFY_FULL, {"sslmode": "verify-full"}, ("OPTIONS", "sslrootcert")),
        ("postgresql", None, {"sslmode": "verify-full"}, ("OPTIONS", "sslrootcert")),
        ("mysql", TLSMode.VERIFY_FULL, {"ssl": {"check_hostname": True}}, ("OPTIONS", "ssl", "ca")),
        ("mysql", TLSMode.VERIFY_CA, {"ssl": {"check_hostname": False}}, ("OPTIONS", "ssl", "ca")),
    ],
)
def test_tls_is_spelled_as_the_driver_spells_it(
    engine: str, mode: Any, options: Any, files: Any
) -> None:
    """libpq's words for PostgreSQL, the dictionary ssl for MySQL; the CA is a file."""
    alias = an_alias(engine=engine, tls=TLS(mode=mode, ca=CA))
    resolution = resolve(a_project(), [alias], a_config_map("ca", ca__pem="PEM"))
    entry = resolution.entries["users"]
    assert entry.connection.settings["OPTIONS"] == options
    ((path, name),) = entry.connection.files
    assert path == files
    assert entry.secret_data[name].reveal() == b"PEM"


def test_a_ca_that_is_not_there_yet_is_waited_for() -> None:
    """The ConfigMap may appear; its reason is not that of a Secret."""
    sources = {SourceRef(SourceKind.CONFIG_MAP, "ca"): Missing()}
    resolution = resolve(a_project(), [an_alias(tls=TLS(ca=CA))], sources)
    assert resolution.problems["users"][0].reason is Reason.CONFIG_MAP_NOT_FOUND


def test_a_client_certificate_is_two_files() -> None:
    """A kubernetes.io/tls Secret has one key for each."""
    alias = an_alias(tls=TLS(client_certificate="crt"))
    sources = a_secret("crt", tls__crt="C", tls__key="K")
    entry = resolve(a_project(), [alias], sources).entries["users"]
    places = dict(entry.connection.files)
    assert places.keys() == {("OPTIONS", "sslcert"), ("OPTIONS", "sslkey")}
    assert entry.secret_data[places["OPTIONS", "sslcert"]].reveal() == b"C"
    assert entry.secret_data[places["OPTIONS", "sslkey"]].reveal() == b"K"


def test_one_ca_is_one_file_for_all_aliases() -> None:
    """Seven copies of a large bundle would not fit into a Secret."""
    aliases = [an_alias(name, tls=TLS(ca=CA)) for name in ("a", "b")]
    resolution = resolve(a_project(), aliases, a_config_map("ca", ca__pem="PEM"))
    assert len({name for e in resolution.entries.values() for name in e.secret_data}) == 1


def test_a_transaction_pooler_is_passed_by_in_the_job() -> None:
    """The application gets what PgBouncer needs, the Job a direct connection."""
    alias = an_alias(pooler=Pooler.TRANSACTION, migrate=DIRECT)
    entry = resolve(a_project(), [alias], {}).entries["users"]
    assert entry.migration
    assert entry.connection.settings["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert "DISABLE_SERVER_SIDE_CURSORS" not in entry.migration.settings


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"engine": None}, "spec.engine"),
        ({"engine": "postgress"}, "spec.engine"),
        ({"engine": "django.db.backends.mongodb"}, "spec.engine"),
        ({"name": None}, "spec.name"),
        ({"name": "n" * 64}, "spec.name"),
        ({"options": {"ssl_mode": "x"}}, "spec.options.ssl_mode"),
        ({"options": {"dbname": "x"}}, "spec.options.dbname"),
        ({"options": {"password": "x"}}, "spec.options.password"),
        ({"options": {"isolation_level": "chaos"}}, "spec.options.isolation_level"),
        ({"extra": {"Password": "x"}}, "spec.extra.Password"),
        ({"options": {"pool": True}, "conn_max_age": 5}, "spec.connMaxAge"),
        ({"pooler": Pooler.TRANSACTION}, "spec.migrate.connection"),
        (
            {"pooler": Pooler.TRANSACTION, "migrate": DIRECT, "options": {"options": "-c x"}},
            "spec.options.options",
        ),
        ({"options": {"sslmode": "require"}, "tls": TLS(mode=TLSMode.REQUIRE)}, "spec.options"),
        ({"time_zone": "Europe/Atlantis"}, "spec.timeZone"),
        ({"atomic_requests": True, "autocommit": False}, "spec.atomicRequests"),
        ({"engine": "mysql", "host": "a,b"}, "spec.host"),
        ({"engine": "mysql", "name": "n" * 65}, "spec.name"),
        ({"host": "a,b", "port": "1,2,3"}, "spec.port"),
        ({"host": "a\0b"}, "spec.host"),
        ({"name": "ä" * 32}, "spec.name"),
        ({"options": {"ssl": {"Password": "x"}}, "engine": "shop.sql"}, "spec.options.ssl"),
        ({"extra": {"POOL": [{"passwd": "x"}]}}, "spec.extra.POOL"),
        ({"test": {"COLLATION": "C"}}, "spec.test.collation"),
        ({"test": {"NAME": "n" * 64}}, "spec.test.name"),
        ({"test": {"CREATE_DB": "no"}}, "spec.test.extra.CREATE_DB"),
        ({"test": {"DATAFILE_SIZE": 50}}, "spec.test.extra.DATAFILE_SIZE"),
        ({"engine": "mysql", "tls": TLS(mode=TLSMode.VERIFY_CA)}, "spec.tls"),
        ({"engine": "mysql", "tls": TLS(mode=TLSMode.DISABLE)}, "spec.tls"),
        ({"engine": "sqlite3", "tls": TLS(mode=TLSMode.REQUIRE)}, "spec.tls"),
    ],
)
def test_what_cannot_work_is_refused_with_its_field(fields: Any, field: str) -> None:
    """Only an edit cures these, so they do not wait for anything."""
    assert problems_of(an_alias(**fields)) == [(field, INVALID)]


def test_an_engine_of_a_third_party_may_have_any_option() -> None:
    """Only Django's own backends are known well enough to refuse a key."""
    found = settings_of(an_alias(engine="sentry.db.postgres", options={"anything": 1}))
    assert found["OPTIONS"] == {"anything": 1}


def test_a_misspelled_option_is_corrected() -> None:
    """The remedy names the nearest option that exists."""
    resolution = resolve(a_project(), [an_alias(options={"ssl_mode": "x"})], {})
    assert "Did you mean sslmode?" in str(resolution.problems["users"][0])


@pytest.mark.parametrize(
    ("alias", "changes", "field"),
    [
        ({"options": {"pool": True}}, {"CONN_MAX_AGE": 300}, "spec.profiles[0]"),
        ({"conn_max_age": 300}, {"OPTIONS": {"pool": True}}, "spec.profiles[0]"),
        ({"autocommit": False}, {"ATOMIC_REQUESTS": True}, "spec.profiles[0]"),
        ({}, {"OPTIONS": {"charset": "x"}}, "spec.profiles[0].aliases[0].options.charset"),
        ({}, {"OPTIONS": {"password": "x"}}, "spec.profiles[0].aliases[0].options.password"),
        ({}, {"OPTIONS": {"sslmode": "x"}}, "spec.profiles[0].aliases[0].options.sslmode"),
    ],
)
def test_a_profile_may_change_nothing_into_what_cannot_work(
    alias: Any, changes: Any, field: str
) -> None:
    """It would crash in the pods that choose the profile, and nowhere else."""
    for name in ("*", "users"):
        project = a_project(profiles=(Profile("web", (ProfileEntry(name, changes),)),))
        assert problems_of(an_alias(**alias), project=project) == [(field, INVALID)]
    project = a_project(profiles=(Profile("web", (ProfileEntry("other", changes),)),))
    assert problems_of(an_alias(**alias), project=project) == []


def test_a_profile_of_every_alias_gives_way_to_an_entry_of_its_own() -> None:
    """What the second one mends was never wrong."""
    entries = ProfileEntry("*", {"CONN_MAX_AGE": 300}), ProfileEntry("users", {"CONN_MAX_AGE": 0})
    alias = an_alias(options={"pool": True})
    project = a_project(profiles=(Profile("web", entries),))
    assert problems_of(alias, project=project) == []


def test_what_is_wrong_by_inheritance_is_refused_at_the_heir() -> None:
    """The parent works by itself; together with the child's own words it does not."""
    pooled = an_alias("default", options={"pool": True})
    assert problems_of(pooled, a_child("a", "default", conn_max_age=60)) == [
        ("spec.connMaxAge", INVALID)
    ]
    manual = an_alias("default", autocommit=False)
    assert problems_of(manual, a_child("a", "default", atomic_requests=True)) == [
        ("spec.atomicRequests", INVALID)
    ]


def test_options_for_the_job_are_checked_like_the_others() -> None:
    """Its first connection would fail as well, only later."""
    for options in ({"pool": True}, {"sslmode": "x"}):
        direct = AliasMigrate(connection=MigrateConnection(options=options))
        (problem,) = problems_of(an_alias(conn_max_age=60, migrate=direct))
        assert problem[0].startswith("spec.migrate.connection.options")
    direct = AliasMigrate(connection=MigrateConnection(port="1,2"))
    assert problems_of(an_alias(host="a", migrate=direct)) == [
        ("spec.migrate.connection.port", INVALID)
    ]


@pytest.mark.parametrize(
    ("engine", "options"),
    [
        ("postgresql", {"service": "shop"}),
        ("postgis", {"service": "shop", "passfile": "/etc/pass"}),
        ("mysql", {"read_default_file": "/etc/my.cnf"}),
    ],
)
def test_a_file_of_the_image_may_name_the_database(engine: str, options: Any) -> None:
    """libpq's service file and MySQL's option file; the option may be inherited."""
    parent = an_alias("default", engine=engine, name=None, user=None, options=options)
    assert settings_of(parent).keys() == {"ENGINE", "OPTIONS"}
    assert settings_of(parent, a_child("other", "default"))["OPTIONS"] == options


def test_the_password_of_the_test_user_is_a_file() -> None:
    """It never stands in the ConfigMap."""
    alias = an_alias(
        engine="django.db.backends.oracle",
        test={"USER": "t", "CREATE_USER": False},
        test_password=ObjectKeyRef("Secret", "login", "pw"),
    )
    entry = resolve(a_project(), [alias], a_secret(pw="hunter2")).entries["users"]
    ((path, name),) = entry.connection.secrets
    assert path == ("TEST", "PASSWORD")
    assert entry.secret_data[name].reveal() == b"hunter2"
    assert entry.connection.settings["TEST"] == {"USER": "t", "CREATE_USER": False}


def test_every_source_that_resolving_needs_is_asked_for() -> None:
    """Credentials, those of the Job, the CA and the client certificate."""
    alias = an_alias(
        credentials=credentials("a"),
        tls=TLS(ca=CA, client_certificate="b"),
        migrate=AliasMigrate(connection=MigrateConnection(credentials=credentials("c"))),
        test_password=ObjectKeyRef("Secret", "d", "pw"),
    )
    assert {str(ref) for ref in required_sources([alias])} == {
        *("Secret a", "Secret b", "Secret c", "Secret d", "ConfigMap ca")
    }
