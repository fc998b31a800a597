"""G23 on a real web process: 100,000 spellings of the way behind the gate, and nobody gets in without a pass.

Each request would make an account if the room let it through. It is tried under other letters, slashes, encodings, dot
segments, methods, forwarding headers, absolute addresses and made-up passes; then the database is counted.
"""

import asyncio
import random
import string
from collections import Counter
from urllib.parse import quote

import asyncpg

from loadtests.harness.processes import once, python
from tests.acceptance.long.room_goals import Figures, Finding, Invalid, Run
from tests.acceptance.long.room_phones import LOST, Phone, Told
from tests.benchmarks.stack import Stack, stack
from tests.benchmarks.wire import Connection, Response, request

GOALS = ("G23",)
SEEDS = QUICK = 1

REQUESTS, QUICK_REQUESTS = 100_000, 4_000
TOGETHER = 16
DOORS = ("/accounts", "/daftar/akun", "/daftar/en/akun")
METHODS = ("POST",) * 8 + ("PUT", "PATCH", "GET", "HEAD", "DELETE", "OPTIONS", "post", "PoSt")
FORM_SHOWN = b'name="phone"'


def spelled(path: str, draw: random.Random) -> str:
    """Another spelling of a path; now and then the path itself."""
    for _ in range(draw.randrange(0, 4)):
        path = draw.choice(SPELLINGS)(path, draw)
    return path


def _letters(path: str, draw: random.Random) -> str:
    return "".join(one.upper() if draw.random() < 0.4 else one for one in path)


def _slashes(path: str, draw: random.Random) -> str:
    return path.replace("/", "/" * draw.randrange(1, 4), draw.randrange(1, 3))


def _percent(path: str, draw: random.Random) -> str:
    return "".join(f"%{ord(one):02x}" if draw.random() < 0.3 and one.isascii() else one for one in path)


def _twice(path: str, draw: random.Random) -> str:
    return _percent(path, draw).replace("%", "%25")


def _dots(path: str, draw: random.Random) -> str:
    before = draw.choice(("/.", "/x/..", "/board/..", "/assets/../", "/health/live/..", "/%2e%2e", "/..;"))
    return before + path


def _ends(path: str, draw: random.Random) -> str:
    ends = ("/", "//", ".", "/.", ";x=1", "%20", "%00", "%0a", "?", "?ticket=1", "#", ".json", "/..", "%2f", "\\")
    return path + draw.choice(ends)


def _begins(path: str, draw: random.Random) -> str:
    begins = ("http://127.0.0.1", "https://example.org", "//example.org", "\\", "/%2f", "/%5c", ";", "*", "/v1", "/api")
    return draw.choice(begins) + path


def _alike(path: str, draw: random.Random) -> str:
    """Letters that look the same, or become the same when somebody normalizes them."""
    wide = {one: quote(chr(ord(one) + 0xFEE0)) for one in string.ascii_lowercase}
    return "".join(wide.get(one, one) if draw.random() < 0.2 else one for one in path)


SPELLINGS = (_letters, _slashes, _percent, _twice, _dots, _ends, _begins, _alike)


def disguise(path: str, draw: random.Random) -> dict[str, str]:
    """Headers that some gateway or framework believes."""
    made_up = "".join(draw.choices(string.ascii_letters + string.digits + "._-", k=draw.randrange(1, 60)))
    some = {
        "X-HTTP-Method-Override": "POST",
        "X-Method-Override": "POST",
        "X-Original-URL": path,
        "X-Rewrite-URL": path,
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Host": "localhost",
        "X-Forwarded-Prefix": path,
        "Forwarded": "for=127.0.0.1;proto=https",
        "Purpose": "prefetch",
        "Sec-Purpose": "prefetch",
        "User-Agent": "Googlebot/2.1",
        "Waiting-Room-Pass": made_up,
        "waiting_room_pass": made_up,
        "Waiting-Room-Ticket": f"1.1.{draw.randrange(9)}.{made_up}",
        "Cookie": f"registration={made_up}",
        "Authorization": f"Bearer {made_up}",
    }
    return {name: some[name] for name in draw.sample(sorted(some), draw.randrange(0, 4))}


class Visitor:
    """One who tries every way in, over one connection after the other."""

    def __init__(self, url: str, draw: random.Random, seen: Counter[str], passed: list[str]) -> None:
        self._line = Connection(url)
        self._draw = draw
        self._seen = seen
        self._passed = passed

    async def tries(self, first: int, count: int) -> None:
        async with self._line:
            for number in range(first, first + count):
                await self._try(number)

    async def _try(self, number: int) -> None:
        draw = self._draw
        door = draw.choice(DOORS)
        path = spelled(door, draw) if draw.random() < 0.9 else door
        path = path.replace(" ", "%20").encode("ascii", "ignore").decode() or "/"
        method, phone = draw.choice(METHODS), f"+6280{number:09d}"
        headers = {"Idempotency-Key": f"bypass-{number}", "Sec-Fetch-Site": "same-origin", **disguise(door, draw)}
        if door == "/accounts":
            headers["Content-Type"] = "application/json"
            body = b'{"name": "Siti Rahma", "phone": "%s"}' % phone.encode()
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = b"form=account&name=Siti&code_by=sms&phone=%s" % quote(phone).encode()
        try:
            answer = await self._line.exchange(request(self._line.host, method, path, headers, body))
        except LOST:  # refused as no HTTP at all, and the line closed
            self._seen["no HTTP"] += 1
            self._line._close()
            return
        self._seen[str(answer.status)] += 1
        if is_inside(method, answer):
            self._passed.append(f"{method} {path} {headers}: {answer.status}")
        elif b"pass-invalid" in answer.body:
            self._seen["at the door"] += 1


def is_inside(method: str, answer: Response) -> bool:
    """An account was made, or its form was shown."""
    if answer.status == 201:
        return True
    return answer.status == 200 and FORM_SHOWN in answer.body


async def tried(url: str, seed: int, count: int) -> tuple[Counter[str], list[str]]:
    seen, passed = Counter[str](), list[str]()
    each = count // TOGETHER
    async with asyncio.TaskGroup() as group:
        for number in range(TOGETHER):
            visitor = Visitor(url, random.Random(f"{seed}/{number}"), seen, passed)
            group.create_task(visitor.tries(number * each, each))
    return seen, passed


async def with_a_pass(url: str) -> int:
    """The status of the same request by somebody who was let in: the control."""
    phone = Phone(lambda: url, random.Random(0), Told(), "bypass-honest")
    await phone.join()
    async with asyncio.timeout(30):
        await phone.enter(lambda: True)
    (value,) = phone.held.passes
    headers = {"Content-Type": "application/json", "Idempotency-Key": "honest", "Waiting-Room-Pass": value}
    answer = await phone.ask("POST", "/accounts", headers, b'{"name": "Siti Rahma", "phone": "+6280999999999"}')
    return 0 if answer is None else answer.status


async def accounts(database: str) -> int:
    connection = await asyncpg.connect(database)
    try:
        return int(await connection.fetchval("select count(*) from account"))
    finally:
        await connection.close()


def started(server: Stack) -> tuple[str, str]:
    """The web process's address, and its database."""
    database = server.database("bypass")
    settings = server.settings("bypass", database, "http://127.0.0.1:9")
    once("migrate-bypass", python("-m", "service", "migrate"), settings=settings, logs=server.folder, within=60)
    server.start("gatekeeper-bypass", python("-m", "service", "gatekeeper", "--lifeline"), settings)
    return server.start("web-bypass", python("-m", "service", "web", "--lifeline"), settings).url, database


def measure(seed: int, run: Run) -> Figures:
    count = QUICK_REQUESTS if run.quick else REQUESTS
    with stack() as server:
        url, database = started(server)
        seen, passed = asyncio.run(tried(url, seed, count))
        made = asyncio.run(accounts(database))
        honest = asyncio.run(with_a_pass(url))
        made_honestly = asyncio.run(accounts(database)) - made
    (run.folder / "bypass.txt").write_text("\n".join([*passed, repr(dict(seen))]) + "\n")
    if honest != 201 or made_honestly != 1:
        raise Invalid(f"with a pass the same request got {honest} and made {made_honestly} accounts")
    if seen["at the door"] < count / 100:
        raise Invalid(f"only {seen['at the door']} of {count} spellings came to the door at all")
    return {"requests": count, "passed": len(passed), "accounts": made, "seen": dict(seen)}


def judge(figures: list[Figures]) -> list[Finding]:
    (one,) = figures
    statuses = one["seen"]
    text = f"{one['passed']} of {one['requests']:,} spellings got in, {one['accounts']} accounts were made (0); "
    text += f"{statuses['at the door']:,} of them came to the account's door, all refused for want of a pass"
    return [Finding("G23", one["passed"] == one["accounts"] == 0, text)]
