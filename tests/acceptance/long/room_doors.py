"""G20 and G21 on a real service: browsers without script, apps, many tabs, and all of a carrier behind one address.

Everybody here comes from one address, with the doorkeeper on: nobody may be kept out for that. The page is read as a
browser without script would, tickets are claimed in several tabs at once, and strange wishes are put to every resource.
"""

import asyncio
import json
import random
import re
from collections import Counter
from typing import Any

import asyncpg

from loadtests.harness.processes import once, python
from tests.acceptance.long.room_goals import Figures, Finding, Invalid, Run
from tests.acceptance.long.room_phones import Phone, Told
from tests.benchmarks.stack import Stack, stack
from tests.benchmarks.wire import Connection, Response, request

GOALS = ("G20", "G21")
SEEDS = QUICK = 1

PEOPLE, QUICK_PEOPLE = 2000, 200
RATE = 200.0
TOGETHER = 100
"""People who ask at one moment; the next of the 2,000 comes when one of them is in."""
TABS = 5
WISHES = 500
MOST_BYTES = 15 * 1024
LANGUAGES = {"/daftar/antrean": "id", "/daftar/en/antrean": "en"}

TYPES = ("text/html", "application/json", "application/problem+json", "*/*", "text/*", "image/avif", "a/b", "", ";;")


async def all_behind_one_address(url: str, count: int) -> dict[str, Any]:
    """So many people from one address, each with a ticket and then a pass."""
    told, room = Told(), asyncio.Semaphore(TOGETHER)

    async def person(number: int) -> None:
        async with room:
            phone = Phone(lambda: url, random.Random(number), told, f"nat-{number}")
            await phone.join()
            await phone.enter(lambda: True)

    async with asyncio.timeout(count / RATE + 240), asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(person(number))
    refused = {what: number for what, number in told.answers.items() if what.endswith((" 429", " 403"))}
    return {"people": count, "inside": sum(bool(one.passes) for one in told.people), "refused": refused}


async def in_many_tabs(url: str) -> int:
    """How many passes a ticket gets that claims in several tabs at once."""
    told = Told()
    first = Phone(lambda: url, random.Random(1), told, "tabs")
    await first.join()
    passes = set[str]()

    async def tab(number: int) -> None:
        phone = Phone(lambda: url, random.Random(number), told, f"tab-{number}")
        phone.held.ticket, phone.held.secret = first.held.ticket, first.held.secret
        await phone.enter(lambda: True)
        passes.update(phone.held.passes)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for number in range(TABS):
            group.create_task(tab(number))
    return len(passes)


class Browser:
    """One without script: it follows forms, and keeps a cookie on its disk."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.cookie = ""
        self.bytes = 0

    async def ask(self, method: str, path: str, form: bytes = b"") -> Response:
        headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        if self.cookie:
            headers["Cookie"] = self.cookie
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        async with Connection(self._url) as line:
            answer = await line.exchange(request(line.host, method, path, headers, form))
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        self.bytes = max(self.bytes, len(answer.body))
        return answer

    async def takes_a_ticket(self, path: str) -> str:
        """The number that the page shows. Raises Invalid when there is none."""
        page = (await self.ask("GET", path)).body.decode()
        fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
        button = re.search(r'<button[^>]*name="([^"]+)"[^>]*value="([^"]+)"', page)
        if button:
            fields[button[1]] = button[2]
        answer = await self.ask("POST", path, "&".join(f"{name}={value}" for name, value in fields.items()).encode())
        if answer.status != 303:
            raise Invalid(f"{path} does not take the form: {answer.status}")
        return await self.shown(path)

    async def shown(self, path: str) -> str:
        page = (await self.ask("GET", path)).body.decode()
        found = re.search(r'class="number"[^>]*>\s*([\d.,]+)', page)
        if not found:
            raise Invalid(f"{path} shows no number")
        return found[1]


async def without_script(url: str) -> dict[str, Any]:
    """A page in each language: its size, and the number again after the browser was closed and opened."""
    sizes, kept, renews = [], 0, 0
    for path in LANGUAGES:
        browser = Browser(url)
        number = await browser.takes_a_ticket(path)
        again = Browser(url)
        again.cookie = browser.cookie
        kept += await again.shown(path) == number
        page = (await again.ask("GET", path)).body
        renews += b'http-equiv="refresh"' in page
        sizes.append(browser.bytes)
    return {"bytes": max(sizes), "kept": kept, "renews": renews}


async def strange_wishes(url: str, draw: random.Random) -> dict[str, int]:
    """Statuses of answers to odd Accept headers; only a page may be HTML, and nothing may break."""
    seen: Counter[str] = Counter()
    async with Connection(url) as line:
        for _ in range(WISHES):
            wish = ", ".join(f"{draw.choice(TYPES)};q={draw.choice(('0', '1', '0.5', 'x', '9'))}" for _ in range(3))
            path = draw.choice(("/board", "/place", *LANGUAGES))
            headers = {"Accept": wish, "Accept-Language": "zz;q=x, id"}
            answer = await line.exchange(request(line.host, "GET", path, headers))
            kind = answer.headers.get("content-type", "")
            if path == "/board":
                json.loads(answer.body)
            right = ("json" in kind) == (path not in LANGUAGES)
            seen[f"{answer.status // 100}xx" if right else "wrong type"] += 1
    return dict(seen)


async def paused(url: str, database: str) -> None:
    """Whoever takes a number now sees it."""
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("update waiting_room set wanted = 'paused'")
    finally:
        await connection.close()
    async with asyncio.timeout(30), Connection(url) as line:
        while b'"paused"' not in (await line.exchange(request(line.host, "GET", "/board", {}))).body:
            pass


def started(server: Stack) -> tuple[str, str]:
    """The web process, and its database."""
    database = server.database("doors")
    settings = server.settings("doors", database, "http://127.0.0.1:9")
    settings |= {"REGISTRATION_GATE_RATE": f"{RATE:g}", "REGISTRATION_OVERLOAD_LIMIT": "on"}
    once("migrate-doors", python("-m", "service", "migrate"), settings=settings, logs=server.folder, within=60)
    server.start("gatekeeper-doors", python("-m", "service", "gatekeeper", "--lifeline"), settings)
    return server.start("web-doors", python("-m", "service", "web", "--lifeline"), settings).url, database


async def played(url: str, database: str, seed: int, count: int) -> Figures:
    address, tabs = await all_behind_one_address(url, count), await in_many_tabs(url)
    await paused(url, database)
    wishes = await strange_wishes(url, random.Random(seed))
    return {"address": address, "passes_of_tabs": tabs, "browser": await without_script(url), "wishes": wishes}


def measure(seed: int, run: Run) -> Figures:
    with stack() as server:
        return asyncio.run(played(*started(server), seed, QUICK_PEOPLE if run.quick else PEOPLE))


def judge(figures: list[Figures]) -> list[Finding]:
    (one,) = figures
    address, browser, wishes = one["address"], one["browser"], one["wishes"]
    inside = f"{address['inside']:,} of {address['people']:,} people behind one address get in, "
    tabs = f"{TABS} tabs of one ticket get {one['passes_of_tabs']} pass"
    pages = (
        f"pages without script take a ticket and show it again to {browser['kept']} of {len(LANGUAGES)} browsers that "
    )
    odd = f"{WISHES} odd Accept headers: {wishes}"
    worked = browser["kept"] == browser["renews"] == len(LANGUAGES) and browser["bytes"] <= MOST_BYTES
    return [
        Finding("G20", one["passes_of_tabs"] == 1, tabs),
        Finding("G20", worked, f"{pages}were closed, in at most {browser['bytes'] / 1024:.1f} KB (15)"),
        Finding("G20", not wishes.get("5xx") and not wishes.get("wrong type"), odd),
        Finding("G21", address["inside"] == address["people"] and not address["refused"],
                f"{inside}{sum(address['refused'].values())} answers refuse them for coming often (0); offices: "
                "tests/integration/test_pages_office.py; proof of work is not wanted"),
    ]  # fmt: skip
