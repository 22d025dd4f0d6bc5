"""The application behind `manage.py runserver`, and somebody with a browser in front of it."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

from integration.runtime.pod import PATIENCE, Pod
from localkube.ports import reserve_port


class Browser:
    """Somebody with cookies in front of the running shop."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._opener: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> str:
        """Return a page."""
        with self._opener.open(self._address + path, timeout=PATIENCE) as page:
            return str(page.read().decode())

    def submit(self, path: str, **fields: str) -> str:
        """Fill in the form of a page; return the page that follows."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path))
        assert token is not None, path
        body = urlencode({"csrfmiddlewaretoken": token[1], **fields}).encode()
        with self._opener.open(self._address + path, body, timeout=PATIENCE) as page:
            return str(page.read().decode())


@contextmanager
def running(pod: Pod) -> Iterator[Browser]:
    """Run manage.py runserver, and a browser in front of it."""
    port = reserve_port()
    words = ["manage.py", "runserver", "--noreload", "--insecure", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [str(pod.python), *words],
        cwd=pod.image,
        env=pod.application_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    browser = Browser(f"http://127.0.0.1:{port}")
    try:
        wait_until_it_answers(browser, process)
        yield browser
    finally:
        process.kill()
        process.wait()


def wait_until_it_answers(browser: Browser, process: subprocess.Popen[bytes]) -> None:
    """Wait for the first page; fail when the server ends before."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            browser.get("/")
        except OSError:
            assert process.poll() is None, "runserver has ended"
            assert time.monotonic() < deadline, "runserver does not answer"
            time.sleep(0.1)
        else:
            return
