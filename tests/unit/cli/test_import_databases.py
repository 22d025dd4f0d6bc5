"""``import`` says DATABASES so that Django loads the same again."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from unit.cli.settings_project import SettingsProject

GUIDE = """
DATABASES = {
    "default": {
        "NAME": "app_data", "ENGINE": "django.db.backends.postgresql",
        "USER": "postgres_user", "PASSWORD": "s3krit",
    },
    "users": {
        "NAME": "user_data", "ENGINE": "django.db.backends.mysql",
        "USER": "mysql_user", "PASSWORD": "priv4te",
    },
}
"""
EMPTY_DEFAULT = """
DATABASES = {
    "default": {},
    "users": {
        "NAME": "user_data", "ENGINE": "django.db.backends.mysql",
        "USER": "mysql_user", "PASSWORD": "superS3cret",
    },
    "customers": {
        "NAME": "customer_data", "ENGINE": "django.db.backends.mysql",
        "USER": "mysql_cust", "PASSWORD": "veryPriv@ate",
    },
}
"""
SQLITE = """
from pathlib import Path
BASE_DIR = Path(__file__).resolve().parent.parent
DATABASES = {"default": {
    "ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3",
    "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
}}
"""
POOL = """
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql", "NAME": "shop", "USER": "shop", "PASSWORD": "x",
    "HOST": "db.example", "PORT": "5432", "CONN_HEALTH_CHECKS": True,
    "OPTIONS": {"pool": {"min_size": 2, "timeout": 7.5}, "isolation_level": 4,
                "sslmode": "require", "prepare_threshold": None},
    "TEST": {"NAME": "shop_test", "TEMPLATE": "template0", "MIRROR": None, "SERIALIZE": False},
}}
"""
SERVICE = """
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql",
    "OPTIONS": {"service": "shop", "passfile": ".my_pgpass"},
}}
"""
HOSTS = """
DATABASES = {"default": {
    "ENGINE": "django.contrib.gis.db.backends.postgis", "NAME": "shop", "USER": "shop",
    "HOST": "one.example,two.example", "PORT": "5432,5433", "CONN_MAX_AGE": None,
    "OPTIONS": {"target_session_attrs": "read-write"}, "DISABLE_SERVER_SIDE_CURSORS": True,
}}
"""
MYSQL = """
DATABASES = {"default": {
    "ENGINE": "django.db.backends.mysql", "NAME": "shop", "USER": "shop", "PASSWORD": "x",
    "HOST": "mysql.example", "PORT": 3306, "ATOMIC_REQUESTS": True, "TIME_ZONE": "Europe/Paris",
    "OPTIONS": {"charset": "utf8mb4", "ssl": {"ca": "/etc/mysql/no-such-ca.pem"},
                "isolation_level": "repeatable read", "connect_timeout": 10},
    "TEST": {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_bin", "DEPENDENCIES": []},
}}
"""
THIRD_PARTY = """
DATABASES = {"default": {
    "ENGINE": "mssql", "NAME": "shop", "USER": "sa", "PASSWORD": "x", "HOST": "sql.example",
    "OPTIONS": {"driver": "ODBC Driver 18 for SQL Server", "extra_params": "Encrypt=yes"},
    "SCHEMA": "dbo", "RETRIES": [1, 2.5, None],
}}
"""
NAMES = """
POSTGRES = {"ENGINE": "django.db.backends.postgresql", "USER": "u", "PASSWORD": "p"}
DATABASES = {
    alias: {**POSTGRES, "NAME": f"db of {alias}"}
    for alias in ("default", "trac.main", "Users_DB", "users-db", "users_db", "7")
}
"""
PASSWORDS = """
HARD = ["pä$$wörd: #{}", "'\\"\\\\n", " leading\\nand trailing \\n", "0o17", "1e3", "yes", "{{x}}",
        "\\u2028\\U0001f600\\x85"]
DATABASES = {
    f"d{i}" if i else "default": {
        "ENGINE": "django.db.backends.postgresql", "NAME": "n", "USER": hard, "PASSWORD": hard,
    }
    for i, hard in enumerate(HARD)
}
"""
OWN_TYPES = """
from collections import OrderedDict, UserDict, defaultdict
from enum import IntEnum
from types import MappingProxyType
from django.utils.functional import lazystr

class Text(str):
    def __str__(self):
        return "not what it holds"

class Level(IntEnum):
    SERIALIZABLE = 4

DATABASES = UserDict(default=OrderedDict(
    ENGINE=Text("django.db.backends.postgresql"), NAME=lazystr("shop"), USER="u", PORT=5432,
    PASSWORD=lazystr("lazy"), OPTIONS=MappingProxyType({"isolation_level": Level.SERIALIZABLE}),
    TEST=defaultdict(dict, NAME="t"),
))
DATABASES = dict(DATABASES)
DATABASES["default"] = dict(DATABASES["default"])
DATABASES["default"]["OPTIONS"] = dict(DATABASES["default"]["OPTIONS"])
"""
REPLICA = """
BASE = {"ENGINE": "django.db.backends.mysql", "NAME": "shop", "USER": "u", "PASSWORD": "p"}
DATABASES = {
    "default": {**BASE, "HOST": "primary"},
    "replica": {**BASE, "HOST": "replica", "TEST": {"MIRROR": "default"}},
}
"""
NOISY = """
import os, sys, threading, time
print("the password is s3krit")
sys.stderr.write("the password is s3krit")
os.system("echo the password is s3krit")
threading.Thread(target=time.sleep, args=(30,)).start()
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.getcwd() + "/x"}}
"""
OLD_NAME = """
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql_psycopg2", "NAME": "n"}}
"""
TABLE = {
    "the guide's first example": GUIDE,
    "the guide's empty default": EMPTY_DEFAULT,
    "a path of sqlite": SQLITE,
    "postgresql with a pool and nulls": POOL,
    "a service file": SERVICE,
    "several hosts and ports": HOSTS,
    "mysql with ssl inside the image": MYSQL,
    "a third-party engine with keys of its own": THIRD_PARTY,
    "names that no object can have": NAMES,
    "passwords and users of every kind": PASSWORDS,
    "types of their own": OWN_TYPES,
    "a replica": REPLICA,
    "an engine's old name": OLD_NAME,
    "a module that prints": NOISY,
    "an empty dictionary": "DATABASES = {}\n",
    "no databases at all": "DEBUG = True\n",
    "the dummy backend by name": "DATABASES = {'default': {'ENGINE': 'django.db.backends.dummy'}}",
}


@pytest.mark.parametrize("text", TABLE.values(), ids=TABLE.keys())
def test_settings_come_back_as_they_were(text: str, project: SettingsProject) -> None:
    """All keys, as Django's own handler fills them in."""
    project.write(text)
    assert project.imported() == 0, project.run.err
    own, published = project.load_both()
    assert published == own


def test_passwords_are_in_the_secrets_alone(project: SettingsProject) -> None:
    """Not in another manifest, not on standard error, whatever the module prints."""
    project.write(GUIDE + NOISY.replace("DATABASES = ", "IGNORED = "))
    assert project.imported() == 0
    public, _, secret = project.run.out.partition("# What follows is secret")
    for password in ("s3krit", "priv4te"):
        assert password in secret
        assert password not in public + project.run.err


def test_a_directory_has_the_secrets_in_a_file_for_the_owner_alone(
    project: SettingsProject,
) -> None:
    """And is never written over."""
    project.write(GUIDE)
    out = project.folder / "out"
    assert project.imported("--output-dir", str(out)) == 0
    assert project.run.out == ""
    assert "s3krit" not in (out / "manifests.yaml").read_text()
    assert "s3krit" in (out / "secrets.yaml").read_text()
    assert stat.S_IMODE((out / "secrets.yaml").stat().st_mode) == 0o600
    assert project.run("check", str(out)) == 0
    assert project.imported("--output-dir", str(out)) == 2
    assert "manifests.yaml exists already" in project.run.err


def test_options_name_the_project_and_what_runs_it(project: SettingsProject) -> None:
    """Without them, the module's first word and no image."""
    project.write(GUIDE)
    assert project.imported("--project", "store", "-n", "prod", "--image", "store:1") == 0
    body = project.bodies()["DjangoProject", "store"]
    assert body["metadata"]["namespace"] == "prod"
    assert body["spec"] == {"image": "store:1", "settings": {"module": "shop.settings"}}
    assert {one["metadata"]["namespace"] for one in project.bodies().values()} == {"prod"}
    assert project.imported() == 0
    assert project.spec("DjangoProject", "shop") == {"settings": {"module": "shop.settings"}}


def test_a_mirror_is_a_replica(project: SettingsProject) -> None:
    """So that the operator never migrates it."""
    project.write(REPLICA)
    assert project.imported() == 0
    assert project.spec("DatabaseAlias", "replica")["role"] == "Replica"
    assert 'alias "replica": it is a Replica' in project.run.err


def test_certificates_that_can_be_read_go_along(project: SettingsProject) -> None:
    """Their content is published beside the settings, once for each content."""
    files = {name: f"-----BEGIN {name}-----\nx\n" for name in ("ca", "cert", "key")}
    for name, text in files.items():
        (project.folder / name).write_text(text)
    project.write(f"""
F = {str(project.folder)!r}
POSTGRES = {{
    "ENGINE": "django.db.backends.postgresql", "NAME": "n", "USER": "u", "PASSWORD": "p",
    "OPTIONS": {{"sslmode": "verify-ca", "sslrootcert": F + "/ca", "sslcert": F + "/cert",
                 "sslkey": F + "/key", "application_name": "shop"}},
}}
MYSQL = {{
    "ENGINE": "django.db.backends.mysql", "NAME": "n", "USER": "u", "PASSWORD": "p",
    "OPTIONS": {{"ssl": {{"ca": F + "/ca"}}}},
}}
DATABASES = {{"default": POSTGRES, "users": MYSQL}}
""")
    assert project.imported() == 0
    assert len([kind for kind, _ in project.bodies() if kind == "ConfigMap"]) == 1
    assert files["key"] not in project.run.out.partition("# What follows is secret")[0]
    _, published = project.load_both()
    options = published["default"]["OPTIONS"]
    assert options["sslmode"] == "verify-ca"
    assert options["application_name"] == "shop"
    for option, name in (("sslrootcert", "ca"), ("sslcert", "cert"), ("sslkey", "key")):
        assert Path(options[option]).read_text() == files[name]
    ssl = published["users"]["OPTIONS"]["ssl"]
    assert Path(ssl["ca"]).read_text() == files["ca"]
    assert ssl["check_hostname"] is True


UNSAYABLE = """
import ssl
import sqlite3
POSTGRES = {"ENGINE": "django.db.backends.postgresql", "NAME": "n", "USER": "u", "PASSWORD": "p"}
DATABASES = {
    "default": {**POSTGRES, "OPTIONS": {"pool": {"reset": print}, "application_name": "kept"}},
    "context": {**POSTGRES, "ENGINE": "django.db.backends.mysql",
                "OPTIONS": {"ssl": ssl.create_default_context()}},
    "factory": {"ENGINE": "django.db.backends.sqlite3", "NAME": "x",
                "OPTIONS": {"factory": sqlite3.Connection, "detect_types": float("nan")}},
    "hidden": {**POSTGRES, "OPTIONS": {"sslpassword": "hunter2"},
               "BROKER": "amqp://me:hunter2@example", "NESTED": {"api_key": "hunter2"}},
    "typo": {"NAME": "no engine"},
    "backend": {"ENGINE": "django.db.backends.postgres", "NAME": "n"},
    "a name with spaces": POSTGRES,
    "text": POSTGRES["ENGINE"],
    "lonely": {"ENGINE": "django.db.backends.mysql", "NAME": "n", "PASSWORD": "hunter2"},
    "age": {**POSTGRES, "CONN_MAX_AGE": "60"},
    "unknown": {**POSTGRES, "OPTIONS": {"aplication_name": "typo"}},
}
"""


def test_what_cannot_be_said_is_named_and_the_rest_is_there(project: SettingsProject) -> None:
    """Exit code 3, names and types, never a value."""
    project.write(UNSAYABLE)
    assert project.imported() == 3
    said = project.run.err
    assert "hunter2" not in said + project.run.out
    for line in (
        'alias "default": OPTIONS.pool.reset is left out: it is the function builtins.print',
        'alias "context": OPTIONS.ssl is left out: it is an instance of ssl.SSLContext',
        'alias "factory": OPTIONS.factory is left out: it is the class sqlite3.Connection',
        'alias "factory": OPTIONS.detect_types is left out: it is a float that is no number',
        'alias "hidden": OPTIONS.sslpassword is left out: it looks secret',
        'alias "hidden": BROKER is left out: it looks secret',
        'alias "hidden": NESTED.api_key is left out: it looks secret',
        'alias "typo": it has no ENGINE',
        'alias "backend": it is left out',
        'alias "a name with spaces": it is left out',
        'alias "text": it is left out: its entry is no dictionary',
        'alias "lonely": PASSWORD is left out: it is of no use without USER',
        'alias "age": CONN_MAX_AGE is left out',
        'alias "unknown": spec.options.aplication_name is left out',
    ):
        assert line in said
    kept = {name for kind, name in project.bodies() if kind == "DatabaseAlias"}
    assert kept == {"default", "context", "factory", "hidden", "lonely", "age", "unknown"}
    assert project.spec("DatabaseAlias", "default")["options"] == {"application_name": "kept"}
    project.render()


def test_a_login_in_options_is_said_in_its_fields(project: SettingsProject) -> None:
    """mysqlclient takes it there too; the password would else be published in a ConfigMap."""
    project.write("""
OPTIONS = {"host": "h", "user": "u", "passwd": "hunter2", "db": "n", "charset": "utf8mb4"}
DATABASES = {"default": {"ENGINE": "django.db.backends.mysql", "OPTIONS": OPTIONS}}
""")
    assert project.imported() == 0
    spec = project.spec("DatabaseAlias", "default")
    assert (spec["host"], spec["user"], spec["name"]) == ("h", "u", "n")
    assert spec["options"] == {"charset": "utf8mb4"}
    assert project.bodies()["Secret", "shop-default-login"]["stringData"]["password"] == "hunter2"
