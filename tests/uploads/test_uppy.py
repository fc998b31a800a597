"""Uppy in Chromium: a page of another site that uploads here."""

import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.window import launched
from tests.tools import need
from tests.uploads.clients.node import NODE, clients

SIZE = 1_500_000
_SIZE_IN_15_S = SIZE // 15
_PIECE = 250_000
_PATIENCE = 60_000.0


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page: another port is another origin."""
    folder = tmp_path_factory.mktemp("site")
    bundler = clients() / "esbuild" / "bin" / "esbuild"
    page = Path(__file__).parent / "clients" / "page.mjs"
    command = [str(NODE), str(bundler), str(page), "--bundle", "--log-level=error", f"--outfile={folder / 'page.js'}"]
    subprocess.run(command, check=True, timeout=60)
    (folder / "index.html").write_text('<!doctype html><meta charset="utf-8"><script src="page.js"></script>')
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = need("chromium", package="chromium")
    with sync_playwright() as driver:
        found = launched(driver.chromium, program)
        yield found
        found.close()


@contextmanager
def uploading(
    browser: Browser, site: str, endpoint: str, *, bytes_per_s: int | None = None, **orders: Any
) -> Iterator[tuple[BrowserContext, Page]]:
    """A page in mid-upload. bytes_per_s: of its network; orders: as clients/page.mjs has them."""
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(site)
        if bytes_per_s is not None:
            _slow_down(page, bytes_per_s)
        page.evaluate("orders => { begin(orders) }", {"endpoint": endpoint, "size": SIZE, **orders})
        yield context, page
    finally:
        context.close()


def _slow_down(page: Page, bytes_per_s: int | None) -> None:
    """What the page sends; None: no longer."""
    devtools = page.context.new_cdp_session(page)
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_per_s or -1}
    devtools.send("Network.emulateNetworkConditions", conditions)


def assert_arrived(page: Page) -> list[list[Any]]:
    """Wait for the end; the requests as method and status."""
    page.wait_for_function("seen.done !== null || seen.failed !== null", timeout=_PATIENCE)
    seen: dict[str, Any] = page.evaluate("seen")
    assert seen["failed"] is None, seen
    with urlopen(seen["done"]) as answer:
        assert hashlib.sha256(answer.read()).hexdigest() == seen["sha256"]
    requests: list[list[Any]] = seen["requests"]
    return requests


def test_across_origins(browser, site, free):
    """The page may send what it has to, and read what it needs."""
    with uploading(browser, site, free.url) as (_, page):
        assert assert_arrived(page) == [["POST", 201], ["PATCH", 204]]


def test_bytes_with_the_creation(browser, site, free):
    """uploadDataDuringCreation: one request for all."""
    with uploading(browser, site, free.url, options={"uploadDataDuringCreation": True}) as (_, page):
        assert assert_arrived(page) == [["POST", 201]]


def test_paused_and_resumed(browser, site, free):
    """After a pause in mid-upload, on a slow network, the page asks where it was, and goes on there."""
    with uploading(browser, site, free.url, bytes_per_s=_SIZE_IN_15_S) as (_, page):
        page.wait_for_function("seen.sent > 0", timeout=_PATIENCE)
        page.evaluate("uppy.pauseAll()")
        _slow_down(page, None)
        page.evaluate("uppy.resumeAll()")
        assert assert_arrived(page) == [["POST", 201], ["HEAD", 200], ["PATCH", 204]]


def test_offline_and_back(browser, site, free):
    """A network that goes away in mid-upload, and comes back: nothing is begun anew."""
    with uploading(browser, site, free.url, hold_at=4, options={"chunkSize": _PIECE}) as (context, page):
        page.wait_for_function("seen.held", timeout=_PATIENCE)
        context.set_offline(True)
        page.wait_for_function("seen.offline", timeout=_PATIENCE)
        with page.expect_event("requestfailed", timeout=_PATIENCE):
            page.evaluate("go()")
        context.set_offline(False)
        requests = assert_arrived(page)
    assert requests.count(["POST", 201]) == 1
    assert ["HEAD", 200] in requests


def test_too_large(browser, site, limited):
    """A refusal can be read across origins: the page is told, and does not try again."""
    with uploading(browser, site, limited.url) as (_, page):
        page.wait_for_function("seen.failed !== null", timeout=_PATIENCE)
        seen = page.evaluate("seen")
    assert seen["requests"] == [["POST", 413]]
