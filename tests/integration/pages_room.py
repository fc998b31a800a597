"""The pages as people meet them: a real listener, and browsers without script that fill in the forms they are shown."""

import asyncio
import re
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from http.cookiejar import CookieJar, DefaultCookiePolicy
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from service import app as composition
from service.running import listen
from service.web.pages.memory import Memory, MemoryCookie
from tests.integration.registration_room import Registration, registration, standing_database, until

COOKIE = "registration"
_VOID = {"meta", "link", "input", "br", "img", "hr"}


class Page(HTMLParser):
    """One answer, read as a browser reads it."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.status = answer.status_code
        self.headers = answer.headers
        self.path = answer.url.path
        self.html = answer.text
        self.language = ""
        self.twin = ""
        self.title = ""
        self.heading = ""
        self.refresh_s: int | None = None
        self.summary: list[tuple[str, str]] = []
        """Lines of the error summary: the field they lead to, and the text."""
        self.forms: dict[str, dict[str, str]] = {}
        """What each form would send as it stands, by its name."""
        self.ids: dict[str, dict[str, str | None]] = {}
        """Attributes of the elements that have an id."""
        self.texts: dict[str, str] = {}
        """Their texts."""
        self._open: list[tuple[str, str]] = []
        self._form: dict[str, str] = {}
        self._select = ""
        self._area = ""
        self._in_summary = False
        if answer.headers.get("content-type", "").startswith("text/html"):
            self.feed(answer.text)

    @property
    def text(self) -> str:
        """All that is read on the page."""
        main = self.html.partition("<main")[2].partition("</main>")[0]
        return " ".join(re.sub(r"<[^>]*>", " ", "<" + main).split())

    def fault(self, name: str) -> str:
        """What stands beside the field, tied to it for those who do not see it."""
        described = str(self.ids[name].get("aria-describedby") or "").split()
        return " ".join(self.texts[each].strip() for each in described if each.endswith("-fault"))

    def value(self, name: str) -> str:
        """What the field holds."""
        return next(values[name] for values in self.forms.values() if name in values)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        name, value = found.get("name") or "", found.get("value") or ""
        if tag not in _VOID:
            self._open.append((tag, found.get("id") or ""))
        if found.get("id"):
            self.ids[str(found["id"])] = found
            self.texts[str(found["id"])] = ""
        if tag == "html":
            self.language = found.get("lang") or ""
        elif tag == "link" and found.get("hreflang"):
            self.twin = found.get("href") or ""
        elif tag == "meta" and found.get("http-equiv") == "refresh":
            self.refresh_s = int(found.get("content") or "")
        elif tag == "form":
            self._form = {}
        elif tag == "input" and name == "form":
            self.forms[value] = self._form
            self._form[name] = value
        elif tag == "input" and (found.get("type") != "radio" or "checked" in found):
            self._form[name] = value
        elif tag == "textarea":
            self._area, self._form[name] = name, ""
        elif tag == "select":
            self._select, self._form[name] = name, ""
        elif tag == "option" and "selected" in found:
            self._form[self._select] = value
        elif found.get("class") == "summary":
            self._in_summary = True
        elif self._in_summary and tag == "li":
            self.summary.append(("", ""))
        elif self._in_summary and tag == "a":
            self.summary[-1] = ((found.get("href") or "").removeprefix("#"), "")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass
        self._in_summary = self._in_summary and tag != "div"

    def handle_data(self, data: str) -> None:
        for _, each in self._open:
            if each:
                self.texts[each] += data
        tags = [tag for tag, _ in self._open]
        if "title" in tags:
            self.title += data
        if "h1" in tags:
            self.heading += data
        if "textarea" in tags:
            self._form[self._area] += data.removeprefix("\n")
        if self._in_summary and "li" in tags:
            target, text = self.summary[-1]
            self.summary[-1] = (target, (text + data).strip())


class Browser:
    """Keeps its cookie, follows a 303 by GET, sends back what the page's form holds and what is typed over it."""

    def __init__(self, http: httpx.AsyncClient, memory_cookie: MemoryCookie) -> None:
        self._http = http
        self.memory_cookie = memory_cookie
        self.cookie = ""

    async def open(self, path: str) -> Page:
        """The page at `path`, wherever that leads."""
        return await self.follow(await self.request("GET", path))

    async def send(self, page: Page, form: str, *, at: str = "", **typed: str) -> Page:
        """Send a form of `page` and follow. at: another address than the page's own."""
        return await self.follow(await self.press(page, form, at=at, **typed))

    async def press(self, page: Page, form: str, *, at: str = "", **typed: str) -> httpx.Response:
        """Send a form of `page`; the bare answer."""
        return await self.post(at or page.path, page.forms[form] | typed)

    async def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.request("POST", path, data=fields, headers=sent)

    async def request(self, method: str, path: str, **how: Any) -> httpx.Response:
        """Any request; a header Cookie given goes instead of the browser's own."""
        headers = ({"cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}) | how.pop("headers", {})
        answer = await self._http.request(method, path, headers=headers, **how)
        if "set-cookie" in answer.headers:
            self.cookie = _value_of(answer.headers["set-cookie"])
        return answer

    async def follow(self, answer: httpx.Response) -> Page:
        while answer.status_code == 303:
            answer = await self.request("GET", answer.headers["location"])
        return Page(answer)

    @property
    def memory(self) -> Memory:
        """What the cookie carries, opened with the service's key."""
        return self.memory_cookie.read(f"{COOKIE}={self.cookie}".encode())

    def opened(self, answer: httpx.Response) -> Memory:
        """What the cookie of one answer carries."""
        return self.memory_cookie.read(answer.headers["set-cookie"].partition(";")[0].encode())

    def remember(self, memory: Memory) -> None:
        """Carry `memory` from now on."""
        now = datetime.now(UTC)
        _, header = self.memory_cookie.header(memory, now, now + timedelta(hours=1))
        self.cookie = _value_of(header.decode())


def _value_of(set_cookie: str) -> str:
    return set_cookie.partition("=")[2].partition(";")[0]


@dataclass
class Site:
    """The running service with its pages."""

    service: Registration
    url: str
    http: httpx.AsyncClient
    memory_cookie: MemoryCookie

    def browser(self) -> Browser:
        """A browser that was never here."""
        return Browser(self.http, self.memory_cookie)

    async def gate_at(self, frontier: float, rate: float, *, state: str = "open") -> None:
        """Set the gate, and wait until the pages know. rate: another one each time, as the sign."""
        async with self.service.ports.begin() as tx:
            await tx.room.move(frontier=frontier, rate_per_s=rate, state=state, reason="")
        browser = self.browser()

        async def shown() -> bool:
            return bool((await browser.request("GET", "/board")).json()["rate_per_s"] == rate)

        await until(shown)


@asynccontextmanager
async def site(database_url: str, folder: Path, *, working: bool = True, **settings: str) -> AsyncIterator[Site]:
    """The service on a listener of its own; the rest as in `registration`."""
    async with registration(database_url, folder, working=working, **settings) as service:
        listener = listen("127.0.0.1", 0, "REGISTRATION_PORT")
        stop, ready = asyncio.Event(), asyncio.Event()
        serving = asyncio.create_task(
            composition.run_web(service.ports, service.settings, service.metrics, stop, listener, ready.set)
        )
        await asyncio.wait([serving, asyncio.create_task(ready.wait())], return_when=asyncio.FIRST_COMPLETED)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        no_jar = CookieJar(DefaultCookiePolicy(allowed_domains=[]))  # each browser keeps its own cookie
        try:
            async with httpx.AsyncClient(base_url=url, cookies=no_jar) as http:
                yield Site(service, url, http, MemoryCookie(service.ports.vault, plain=True))
        finally:
            stop.set()
            await serving


@dataclass
class StandingSite:
    """One running site for all tests of a module; each test brings people of its own."""

    runner: asyncio.Runner
    site: Site
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def new_phone(self) -> str:
        return f"+6280{next(self._numbers):09d}"

    async def phones(self) -> set[str]:
        """Of all accounts."""
        return {row["phone"] for row in await self.site.service.sql("select phone from account")}


@contextmanager
def standing_site(server_url: str, template: str, folder: Path, name: str) -> Iterator[StandingSite]:
    """A StandingSite on a database `name` of its own."""
    with asyncio.Runner() as runner, standing_database(runner, server_url, template, name) as database_url:
        room = site(database_url, folder)
        found = runner.run(room.__aenter__())
        try:
            yield StandingSite(runner, found)
        finally:
            runner.run(room.__aexit__(None, None, None))


async def account_page(browser: Browser) -> Page:
    """A number, the turn at once, and the form for the account."""
    page = await browser.open("/daftar/antrean")
    page = await browser.send(page, "ticket")
    return await browser.send(page, "claim")


async def code_page(browser: Browser, phone: str, *, email: str = "", by: str = "sms") -> Page:
    """An account made by forms; the page that asks for the code."""
    page = await account_page(browser)
    return await browser.send(page, "account", name="Siti Rahma", phone=phone, email=email, code_by=by)


async def sign_in(found: Site, browser: Browser, number: int = 1) -> Page:
    """The whole way from nothing to the status page, by forms only."""
    phone = f"+6280{number:09d}"
    page = await code_page(browser, phone)
    return await browser.send(page, "code", code=await found.service.code_at(phone))
