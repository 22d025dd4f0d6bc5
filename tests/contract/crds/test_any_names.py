"""Whatever is written where names go, API server and parser say the same of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from contract.apiserver import ApiServer
from contract.crds.case import Case, a_server_spec
from contract.crds.cases_of_provision import made
from dbalias.api import limits
from dbalias.api.meta import Kind
from dbalias.api.parse import parse_object

Fields = Mapping[str, some.SearchStrategy[Any]]

WORDS = (
    *limits.SYSTEM_DATABASES,
    *("pg_shop", "information_schema", "public", "select", "user", "Robert'); DROP TABLE s;--"),
    *("a" * 63, "a" * 64, "a" * 65, "ü" * 31, "ü" * 32, "☃" * 21, "☃" * 22, "𝛑" * 16),
    *("", " ", "%s", "%(n)s", "{}", "$1", "\\", "a\\'b", '"', "`", "a\0b", "\n", "\x7f", "..", "/"),
)
BOUNDED = settings(max_examples=500)


@some.composite
def some_of(draw: some.DrawFn, /, fields: Fields, **always: some.SearchStrategy[Any]) -> Any:
    """Draw a map of ``always`` and of at most two of ``fields``: most of it shall be legal."""
    chosen = draw(some.lists(some.sampled_from(sorted(fields)), max_size=2, unique=True))
    return {
        **{name: draw(strategy) for name, strategy in always.items()},
        **{name: draw(fields[name]) for name in chosen},
    }


def several(inner: some.SearchStrategy[Any]) -> some.SearchStrategy[Any]:
    """Draw a short list."""
    return some.lists(inner, max_size=2)


NAMES = some.sampled_from(WORDS) | some.text(min_size=1, max_size=66)
OBJECTS = some.sampled_from(["main", "a.b", "A", "a_b", "a" * 254]) | NAMES
INTERVALS = some.from_regex(r"\A[0-9]{1,6}[smhdw]?\Z") | NAMES
CREDENTIALS = some_of(
    {
        "preset": some.sampled_from(["BasicAuth", "URL", "Other"]),
        "keys": some_of(
            dict.fromkeys(("user", "password", "host", "port", "name", "url"), some.just("k"))
        ),
    },
    secretRef=some.fixed_dictionaries({"name": OBJECTS}),
)
DATABASES = some_of(
    {
        **dict.fromkeys(("encoding", "locale", "template", "charset", "collation"), NAMES),
        "schemas": several(NAMES),
        "extensions": several(some_of({"schema": NAMES, "version": NAMES}, name=NAMES)),
        "connectionLimit": some.integers(-1, 300_000),
    }
)
ALIASES = some_of(
    {
        "name": NAMES | some.none(),
        "engine": some.sampled_from(["postgis", "mysql", "sqlite3", None]),
        "provision": some_of(
            {
                "database": DATABASES,
                "password": some_of({"length": some.integers(10, 140)}),
                "rotation": some.fixed_dictionaries({"interval": INTERVALS}),
            }
        ),
        "serverRef": some_of({"namespace": OBJECTS}, name=OBJECTS),
        "credentials": CREDENTIALS,
        "user": NAMES,
    }
)
TERMS = some_of(
    {"values": several(NAMES)}, key=NAMES, operator=some.sampled_from(["In", "Exists", "Equals"])
)
ADMITTED = some_of(
    {
        "names": several(OBJECTS),
        "selector": some_of(
            {
                "matchLabels": some.dictionaries(NAMES, NAMES, max_size=2),
                "matchExpressions": several(TERMS),
            }
        ),
    },
    **{"from": some.sampled_from(["Same", "Names", "Selector"])},
)
SERVERS = some_of(
    {
        "engine": some.sampled_from(["mysql", "mariadb", "oracle"]),
        "host": NAMES | some.from_regex(r"\A[A-Za-z0-9.:%_-]+\Z"),
        "database": NAMES,
        "adminCredentials": CREDENTIALS,
        "allowedNamespaces": ADMITTED,
    }
)


def test_any_names_of_an_alias_are_judged_alike(apiserver: ApiServer) -> None:
    """Quotes, NUL, percent signs, reserved words and unicode, taken by both or by neither."""
    judged: Counter[bool] = Counter()

    @BOUNDED
    @given(said=ALIASES)
    def judge(said: dict[str, Any]) -> None:
        judged[judge_both(apiserver, Case("", Kind.ALIAS, made(**said)))] += 1

    judge()
    assert min(judged.values()) > 50, judged


def test_any_names_of_a_server_are_judged_alike(apiserver: ApiServer) -> None:
    """The same of a DatabaseServer."""
    judged: Counter[bool] = Counter()

    @BOUNDED
    @given(said=SERVERS)
    def judge(said: dict[str, Any]) -> None:
        judged[judge_both(apiserver, Case("", Kind.SERVER, a_server_spec(**said)))] += 1

    judge()
    assert min(judged.values()) > 50, judged


def judge_both(apiserver: ApiServer, case: Case) -> bool:
    """Tell whether an object is taken; fail where API server and parser differ."""
    answer, parsed = apiserver.try_create(case.body), parse_object(case.body)
    assert answer.accepted == (parsed.value is not None), (answer.causes, parsed.problems)
    return answer.accepted
