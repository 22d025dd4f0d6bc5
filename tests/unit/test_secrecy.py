"""A secret is never shown: whatever it contains, wherever it comes from, whatever goes wrong."""

from __future__ import annotations

import asyncio
import base64
import copy
import dataclasses
import io
import json
import logging
import pickle
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest

import dbalias_databases
from dbalias.api.meta import JSON, Key
from dbalias.api.secrets import SecretBytes
from dbalias.cli.logs import JSONFormatter, PlainFormatter
from dbalias.cli.main import main
from dbalias.reconcile.binding_secrets import BindingSecrets
from dbalias.reconcile.desired import build_desired
from dbalias.reconcile.metrics import Metrics
from dbalias.reconcile.plan import plan
from dbalias.reconcile.ports import Resource
from dbalias.reconcile.reconciler import Reconciler
from dbalias.reconcile.snapshot import Memory
from integration.operator.objects import alias, project, secret
from unit.reconcile.fake import FakeCluster
from unit.reconcile.scene import BEGINNING, SPACE, Scene
from unit.reconcile.serving import a_binding, made, server, told

MARK = "s3cr3tM4rk"
NASTY = st.lists(
    st.sampled_from(
        [
            *("%s", "%(name)s", "%d", "{0}", "{}", "{self}", "{{ x }}", "${HOME}", "$(id)", "`id`"),
            *('{"password": "x"}', "[1, 2", '"', "'", "\\", "\n", "\t", "\x1b[31m", "&", "#", ";"),
            *(
                "default",
                "shop",
                "postgresql",
                "DatabaseAlias/users",
                "é",
                "密",
                " ",
                "@",
                "/",
                ":",
            ),
        ]
    ),
    max_size=6,
).map("".join)
VALUES = st.tuples(NASTY, NASTY).map(lambda ends: f"{ends[0]}{MARK}{ends[1]}")

Place = Callable[[str], list[JSON]]
KEYS = {"user": "user", "password": "password", "host": "host", "port": "port", "name": "name"}
COMPLETE = {"user": "u", "password": "p", "host": "h", "port": "1", "name": "n"}


def users(preset: str | None = None, **spec: JSON) -> JSON:
    """Return the alias ``users``; with a preset nothing but its Secret says where it leads."""
    body = alias("users", secret="own", **spec)
    if preset:
        body["spec"] = {k: v for k, v in body["spec"].items() if k not in ("name", "host", "user")}
        body["spec"]["credentials"] |= {"preset": preset}
    return body


def by_keys(**data: str) -> list[JSON]:
    """Return the alias ``users`` with every field from keys of its Secret."""
    body = users("URL")
    body["spec"]["credentials"] = {"secretRef": {"name": "own"}, "keys": KEYS}
    return [body, stored("own", {**COMPLETE, **data})]


def by_url(url: str) -> list[JSON]:
    """Return the alias ``users`` with this URL."""
    return [users("URL"), secret("own", url=url)]


def stored(name: str, data: Mapping[str, str | bytes]) -> JSON:
    """Return a Secret that holds texts or bytes."""
    texts = {key: v if isinstance(v, bytes) else v.encode() for key, v in data.items()}
    encoded = {key: base64.b64encode(value).decode() for key, value in texts.items()}
    return {**secret(name), "data": encoded}


def tls(**spec: JSON) -> JSON:
    """Return the alias ``users`` with TLS and a password."""
    return users(tls=spec)


def made_users(binding: JSON) -> list[JSON]:
    """Return the alias ``users`` as one that was made, with its server and its binding."""
    return [server(), told(made("users")), binding]


CLIENT = {"mode": "require", "clientCertificateRef": {"name": "certificate"}}
CA = {"mode": "verify-full", "caRef": {"secretKeyRef": {"name": "ca", "key": "ca.pem"}}}
DDL = {"connection": {"credentials": {"secretRef": {"name": "ddl"}, "preset": "BasicAuth"}}}
LOGIN = secret("own", password="p")

PLACES: dict[str, Place] = {
    "a password": lambda v: [users(), secret("own", password=v)],
    "a password by keys": lambda v: by_keys(password=v),
    "a password by preset": lambda v: [
        users("CloudNativePG"),
        secret("own", username="u", password=v, host="h", port="1", dbname="n"),
    ],
    "a password that is no text": lambda v: [
        users(), stored("own", {"password": b"\xff\xfe" + v.encode()})
    ],
    "a password with NUL": lambda v: [users(), stored("own", {"password": v.encode() + b"\0"})],
    "a port that is a password": lambda v: by_keys(port=v),
    "a URL": lambda v: by_url(f"postgresql://u:{quote(v, safe='')}@h/n"),
    "a URL with raw text": lambda v: by_url(f"postgresql://u:{v}@h/n"),
    "a URL with a raw port": lambda v: by_url(f"postgresql://u:12{v}@h/n"),
    "a URL with a raw slash": lambda v: by_url(f"postgresql://u:12/{v}@h/n"),
    "a URL with a raw question mark": lambda v: by_url(f"postgresql://u:12?{v}@h/n"),
    "a URL of another engine": lambda v: by_url(f"mysql://u:{quote(v, safe='')}@h/n"),
    "a URL that is none": by_url,
    "a URL's scheme": lambda v: by_url(f"{v}://u:p@h/n"),
    "an option in a URL": lambda v: by_url(f"postgresql://u:p@h/n?sslpassword={quote(v)}"),
    "a number in a URL": lambda v: by_url(f"postgresql://u:p@h/n?connect_timeout={quote(v)}"),
    "an unknown option in a URL": lambda v: by_url(f"postgresql://u:p@h/n?{quote(v)}=1"),
    "a mode in a URL": lambda v: by_url(f"postgresql://u:p@h/n?sslmode={quote(v)}"),
    "a key of TLS": lambda v: [
        tls(**CLIENT), LOGIN, secret("certificate", **{"tls.crt": "C", "tls.key": v})
    ],
    "a CA in a Secret": lambda v: [tls(**CA), LOGIN, secret("ca", **{"ca.pem": v})],
    "a login for migrations": lambda v: [
        users(migrate=DDL), LOGIN, secret("ddl", username="u", password=v)
    ],
    "a binding's type": lambda v: [
        users("ServiceBinding"),
        secret("own", type=v, username="u", password=v, host="h", database="n"),
    ],
    "a login that was made": lambda v: made_users(a_binding("users", password=v)),
    "a login that was edited": lambda v: made_users(
        a_binding("users") | {"data": stored("own", {"username": v, "password": v})["data"]}
    ),
    "an administrator's password": lambda v: [
        *made_users(a_binding("users")), secret("main-admin", password=v)
    ],
}  # fmt: skip


def forms(mark: str) -> list[str]:
    """Return how a marked text may appear, also encoded."""
    raw_mark = mark.encode()
    encoded = [base64.b64encode(b"x" * n + raw_mark)[4 : -4 - n or None] for n in range(3)]
    return [mark, raw_mark.hex(), *(text.decode() for text in encoded)]


def leaks(text: str) -> list[str]:
    """Return in which forms the mark is in a text."""
    return [form for form in forms(MARK) if form in text]


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Collect all that any logger says, as the operator prints it."""
    stream = io.StringIO()
    handlers = [logging.StreamHandler(stream), logging.StreamHandler(stream)]
    for handler, formatter in zip(handlers, (PlainFormatter(), JSONFormatter()), strict=True):
        handler.setFormatter(formatter)
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield stream
    finally:
        root.setLevel(level)
        for handler in handlers:
            root.removeHandler(handler)


def a_scene(bodies: list[JSON]) -> Scene:
    """Return a project that migrates, and what is given beside its default."""
    return Scene().put(project(image="shop:1"), alias("default"), secret(), *bodies)


def play(scene: Scene) -> str:
    """Let passes and Jobs go on to the end; return all that is said but for the Secrets."""
    said = []
    for _ in range(3):
        snapshot = scene.gather(Memory(BEGINNING, salt="salt"))
        said += [repr(snapshot), repr(build_desired(snapshot)), repr(plan(snapshot, scene.now))]
        scene.settle(passes=12)
        for job in scene.all("Job"):
            if "status" not in job:
                scene.end_job(job["metadata"]["labels"]["dbalias.dev/alias"])
        scene.wait(10)
    bodies = [body for body in scene.cluster.objects.values() if body["kind"] != "Secret"]
    return "\n".join([*said, json.dumps(bodies, ensure_ascii=False)])


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=6)
@example(value=MARK)
@given(value=VALUES)
def test_nothing_but_secrets_ever_holds_a_secret(place: str, value: str) -> None:
    """Neither object, status, event, log line nor the repr of what a pass works with."""
    with logged() as log:
        said = play(a_scene(PLACES[place](value)))
    assert not leaks(said)
    assert not leaks(log.getvalue())


@given(value=VALUES)
@settings(max_examples=10)
def test_an_address_in_a_secret_stays_out_of_config_maps(value: str) -> None:
    """Host, name and user of a Secret may be in a status, and nowhere else."""
    text = value.replace("/", "").replace("\n", "")[:63]
    scene = a_scene(by_keys(host=text, name=text, user=text))
    with logged() as log:
        play(scene)
    published = [body for kind in ("ConfigMap", "Job") for body in scene.all(kind)]
    assert not leaks(json.dumps(published, ensure_ascii=False))
    assert not leaks(log.getvalue())


@pytest.mark.parametrize("name", ["shop-databases", "shop-migrate"])
def test_a_refused_write_quotes_no_secret(name: str) -> None:
    """The condition, the log line and the reconciler's memory name the object alone."""
    scene = a_scene(PLACES["a login for migrations"](MARK))
    scene.cluster.refused = {name}
    with logged() as log:
        said = [repr(scene.reconcile()) for _ in range(3)]
    bodies = [body for body in scene.cluster.objects.values() if body["kind"] != "Secret"]
    assert "is refused" in json.dumps(bodies)
    assert not leaks(f"{said} {json.dumps(bodies)} {scene.refusals} {log.getvalue()}")


class Broken(FakeCluster):
    """A cluster in whose client there is a bug."""

    async def create(self, resource: Resource, namespace: str, body: JSON) -> JSON:
        """Fail as code does that quotes what it works on."""
        raise KeyError(MARK) from ValueError(f"{body} %s {{0}} {MARK}")


def test_an_error_that_nobody_expected_is_logged_without_its_words() -> None:
    """Its class and the places in the code are enough; its text may quote a value."""
    scene = Scene(Broken()).put(*a_scene(PLACES["a password"](MARK)).cluster.objects.values())
    secrets = BindingSecrets(scene.cluster)
    reconciler = Reconciler(scene.cluster, secrets, Metrics(), clock=lambda: scene.now)
    with logged() as log:
        with pytest.raises(KeyError) as caught:
            asyncio.run(reconciler.reconcile(Key(SPACE, "shop")))
        reconciler._failed(Key(SPACE, "shop"), caught.value, 1.0)
    assert "KeyError" in log.getvalue()
    assert "ValueError" in log.getvalue()
    assert "in create" in log.getvalue()
    assert not leaks(log.getvalue() + generate_latest(reconciler.metrics.registry).decode())


class TestTheType:
    """``SecretBytes`` itself."""

    SECRET = SecretBytes(MARK.encode())

    def test_no_way_of_printing_shows_it(self) -> None:
        """repr, str, format, %-formatting, within containers and dataclasses."""

        @dataclasses.dataclass
        class Holder:
            held: object

        shown = [
            repr(self.SECRET), str(self.SECRET), f"{self.SECRET}", f"{self.SECRET!r:>40}",
            format(self.SECRET, "s"), "%s %r" % (self.SECRET, self.SECRET),  # noqa: UP031
            repr({"x": [self.SECRET]}), repr(Holder(self.SECRET)),
            repr(dataclasses.asdict(Holder(self.SECRET))), repr(Exception(self.SECRET)),
        ]  # fmt: skip
        assert not [text for text in shown if leaks(text)]

    def test_nothing_that_stores_or_sends_takes_it(self) -> None:
        """json, yaml and pickle refuse it, and say nothing of it while they do."""
        for store in (json.dumps, yaml.safe_dump, pickle.dumps):
            with pytest.raises((TypeError, yaml.YAMLError)) as caught:
                store(self.SECRET)
            assert not leaks("".join(traceback.format_exception(caught.value)))

    def test_it_is_a_value(self) -> None:
        """Equal ones are equal, copies are itself, and it may be a key."""
        assert SecretBytes(b"x") == SecretBytes(b"x") != SecretBytes(b"y")
        assert copy.deepcopy([self.SECRET])[0] is copy.copy(self.SECRET) is self.SECRET
        assert len({SecretBytes(b"x"), SecretBytes(b"x")}) == 1


@pytest.mark.parametrize("content", [MARK.encode() + b"\xff", b"\xff" + MARK.encode("utf-16")])
def test_the_loader_says_what_is_wrong_with_a_file_and_not_what_is_in_it(
    content: bytes, tmp_path: Path
) -> None:
    """Not in the exception, nor in those behind it, nor in its traceback."""
    scene = a_scene(PLACES["a password"]("p"))
    play(scene)
    for kind in ("ConfigMap", "Secret"):
        for name, text in scene.get(kind, "shop-databases")["data"].items():
            data = base64.b64decode(text) if kind == "Secret" else text.encode()
            (tmp_path / name).write_bytes(data)
    (file,) = tmp_path.glob("users.*.password")
    file.write_bytes(content)
    with pytest.raises(dbalias_databases.ConfigurationError) as caught:
        dbalias_databases.load(tmp_path, {})
    errors: list[BaseException | None] = [caught.value]
    while errors[-1] is not None:
        errors.append(errors[-1].__cause__ or errors[-1].__context__)
    said = "".join(traceback.format_exception(caught.value)) + repr(errors)
    assert file.name in said
    assert not leaks(said)


@pytest.mark.parametrize(
    "text", [f'{{"format": "{MARK}"', f'{{"format": "{MARK}"}}', f'["{MARK}"]', MARK]
)
def test_a_document_that_is_none_is_named_and_not_quoted(text: str, tmp_path: Path) -> None:
    """Somebody may have put a Secret where the ConfigMap belongs."""
    (tmp_path / "databases.json").write_text(text)
    with pytest.raises(dbalias_databases.ConfigurationError) as caught:
        dbalias_databases.load(tmp_path, {})
    assert not leaks("".join(traceback.format_exception(caught.value)))


@pytest.mark.parametrize("place", PLACES)
def test_offline_verbs_show_secrets_in_secrets_alone(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``check`` and ``render``, in every format, on both streams."""
    file = tmp_path / "all.yaml"
    file.write_text(yaml.safe_dump_all(_namespaced(a_scene(PLACES[place](MARK)))))
    for style in ("text", "json", "github"):
        main(["check", str(file), "--output", style])
    said = "".join(capsys.readouterr())
    main(["render", str(file)])
    rendered, errors = capsys.readouterr()
    public = [one for one in yaml.safe_load_all(rendered) if one and one["kind"] != "Secret"]
    assert not leaks(said + errors + json.dumps(public, ensure_ascii=False))
    assert not leaks(re.sub(r"(?m)^[^#].*$", "", rendered)), "in a comment"


def _namespaced(scene: Scene) -> list[JSON]:
    return [
        {**{k: v for k, v in body.items() if k != "status"},
         "metadata": {"name": body["metadata"]["name"]}}
        for body in scene.cluster.objects.values()
    ]  # fmt: skip


def test_the_mark_would_be_found() -> None:
    """The tests above look for it in every alignment of base64."""
    for text in (f"x{MARK}", f"xy{MARK}z", f"{MARK}abc", f"abc{MARK}"):
        assert leaks(base64.b64encode(text.encode()).decode())
    assert leaks(MARK.encode().hex())
    assert sys.modules["dbalias_databases"] is dbalias_databases
