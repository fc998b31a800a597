"""The whole service in process: web application, worker, open gate, real partners, and a clock that jumps."""

import asyncio
import json
import re
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import httpx
from aiohttp import web

from scenarios.capacities import Gateway, Registry
from scenarios.identity_numbers import family_card_of, nik
from scenarios.partners.app import Partners
from scenarios.partners.settings import Figures
from service import app as composition
from service.actions.gatekeeper import Candidate
from service.metrics import Metrics
from service.ports import Ports
from service.settings import Settings, load
from service.wave_ports import Wave
from tests.integration.worker_room import running_worker
from tests.photos import jpeg

FAST = Gateway(rate_per_s=1000.0, delay_median_s=0.0, delay_sigma=0.0, loss=0.0)
HELPFUL = Registry(rate_per_s=1000.0, latency_median_s=0.0, latency_p99_s=0.0, error_ratio=0.0)
PATIENCE = 30.0
CODE = re.compile(r"\b(\d{6})\b")
PHOTO = jpeg()
TUS = {"Tus-Resumable": "1.0.0"}
BORN = date(1994, 8, 17)
STEPS: dict[str, dict[str, Any]] = {
    "personal": {
        "mother_name": "Aminah",
        "education": "senior_high",
        "province": 33,
        "regency": 3372,
        "address": "Jalan Merdeka 17",
    },
    "work": {"employment_status": "laid_off", "sector": "pariwisata", "last_income": 4_200_000},
    "program": {"training_interest": "bahasa", "payout_method": "gopay", "reason": "Ingin bekerja lagi"},
}
_keys = count(1)


class JumpClock:
    """The wall clock, moved by `ahead`."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def new_key() -> str:
    return f"key-of-request-{next(_keys):06d}"


@dataclass
class Registration:
    """The running service as its users meet it."""

    http: httpx.AsyncClient
    ports: Ports
    settings: Settings
    metrics: Metrics
    partners: Partners
    clock: JumpClock
    stages: list[str]
    """Stages reached, in order."""

    async def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> httpx.Response:
        """A POST with a new Idempotency-Key, or with `key`."""
        sent = {"Idempotency-Key": key or new_key(), **_spelled(headers)}
        return await self.http.post(path, json={} if body is None else body, headers=sent)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers=_spelled(headers))

    def inbox(self, address: str) -> list[str]:
        return [message.text for message in self.partners.deliveries.inbox(address)]

    async def message_at(self, address: str, *, number: int = 1) -> str:
        """The `number`-th message at an address, when it is there."""
        deadline = time.monotonic() + PATIENCE
        while len(self.inbox(address)) < number:
            assert time.monotonic() < deadline, "no message came"
            await asyncio.sleep(0.01)
        return self.inbox(address)[number - 1]

    async def code_at(self, address: str, *, number: int = 1) -> str:
        found = CODE.search(await self.message_at(address, number=number))
        assert found
        return found[1]

    def worker(self) -> AbstractAsyncContextManager[None]:
        """A worker that runs meanwhile."""
        return running_worker(self.ports, self.settings, self.metrics)

    async def sql(self, statement: str, *, elsewhere: bool = False) -> list[asyncpg.Record]:
        """Rows of a statement on a connection of the test's own; `elsewhere`: to another database of the server."""
        url = self.settings.database_url
        if elsewhere:
            url = urlunsplit(urlsplit(url)._replace(path="/postgres"))
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()

    async def depth(self) -> int:
        """Jobs in all queues."""
        return int((await self.sql("select sum(depth) as depth from queue_counter"))[0]["depth"])

    async def drained(self) -> None:
        await until(self._is_drained)

    async def _is_drained(self) -> bool:
        return await self.depth() == 0


def _spelled(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


class Person:
    """An applicant of the test; each method is one step and fails on a refusal."""

    def __init__(self, registration: Registration, number: int) -> None:
        self.service = registration
        self.number = number
        self.phone = f"+6280{number:09d}"
        self.email = f"p{number:09d}@people.example"
        self.nik = nik(33, 72, BORN, False, number + 1)
        self.token = ""
        self.account_id = ""

    @property
    def session(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        return await self.service.post(path, body, key=key, **self.session)

    async def put(self, path: str, body: Any) -> httpx.Response:
        return await self.service.http.put(path, json=body, headers=self.session)

    async def me(self) -> dict[str, Any]:
        found: dict[str, Any] = _done(await self.service.get("/me", **self.session))
        return found

    async def ticket(self) -> dict[str, str]:
        """The headers that show a new ticket."""
        return held(_done(await self.service.post("/tickets")))

    async def entry(self) -> str:
        """A claimed pass."""
        claimed = await self.service.post("/claims", **await self.ticket())
        return str(_done(claimed)["pass"])

    async def sign_up(self, *, with_email: bool = True) -> "Person":
        body = {"name": "Siti Rahma", "phone": self.phone}
        if with_email:
            body["email"] = self.email
        made = await self.service.post("/accounts", body, Waiting_Room_Pass=await self.entry())
        self.account_id = _done(made)["account_id"]
        return self

    async def sign_in(self, address: str = "") -> "Person":
        """By a code to the e-mail address, or to `address`."""
        address = address or self.email
        before = len(self.service.inbox(address))
        asked = _done(await self.service.post("/codes", {"address": address}))
        code = await self.service.code_at(address, number=before + 1)
        session = _done(await self.service.post("/sessions", {"code_request": asked["code_request"], "code": code}))
        self.token = session["token"]
        return self

    def identity(self, **changes: Any) -> dict[str, Any]:
        data = {"nik": self.nik, "family_card_number": family_card_of(self.nik), "birth_date": BORN.isoformat()}
        return data | changes

    async def begin_upload(self, slot: str, length: int) -> str:
        """The path of a new upload."""
        metadata = f"slot {b64encode(slot.encode()).decode()},filetype {b64encode(b'image/jpeg').decode()}"
        creation = {**TUS, **self.session, "Upload-Length": str(length), "Upload-Metadata": metadata}
        created = await self.service.http.post("/files/", headers=creation)
        assert created.status_code == 201, created.text
        return str(httpx.URL(created.headers["location"]).path)

    async def send_bytes(self, path: str, data: bytes, *, offset: int = 0) -> httpx.Response:
        chunk = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        return await self.service.http.patch(path, headers={**TUS, **self.session, **chunk}, content=data)

    async def upload(self, slot: str, photo: bytes = PHOTO) -> str:
        """The path of the finished upload."""
        path = await self.begin_upload(slot, len(photo))
        stored = await self.send_bytes(path, photo)
        assert stored.status_code == 204, stored.text
        return path

    async def verify_phone(self) -> None:
        before = len(self.service.inbox(self.phone))
        asked = _done(await self.service.post("/codes", {"address": self.phone}))
        code = await self.service.code_at(self.phone, number=before + 1)
        _done(await self.post("/phone/verification", {"code_request": asked["code_request"], "code": code}))

    async def take_assessment(self, *, answers: int = 18) -> None:
        _done(await self.post("/assessment"))
        for number in range(1, answers + 1):
            _done(await self.put(f"/assessment/answers/{number}", {"choice": number % 4}))
        _done(await self.post("/assessment/submission"))

    async def prepare(self) -> "Person":
        """Everything but joining."""
        await self.sign_up()
        await self.sign_in()
        _done(await self.put("/identity", self.identity()))
        return await self.finish()

    async def finish(self) -> "Person":
        """What comes after the identity, but for joining."""
        for step, data in STEPS.items():
            _done(await self.put(f"/profile/{step}", data))
        await self.upload("identity_card")
        await self.upload("selfie")
        await self.verify_phone()
        await self.take_assessment()
        return self


def held(drawn: dict[str, Any]) -> dict[str, str]:
    """The headers that show a ticket and its secret, as POST /tickets gave them."""
    return {"Waiting_Room_Ticket": drawn["ticket"], "Waiting_Room_Secret": drawn["secret"]}


def _done(answer: httpx.Response) -> Any:
    assert answer.status_code < 300, f"{answer.request.method} {answer.request.url.path}: {answer.text}"
    return answer.json() if answer.content else None


def code_of(answer: httpx.Response) -> str:
    """The stable code of a problem document."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return str(problem["type"]).rpartition("/")[2]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition, with a deadline."""
    deadline = time.monotonic() + PATIENCE
    while not await condition():
        assert time.monotonic() < deadline, "it did not come to that"
        await asyncio.sleep(0.01)


async def open_gate(ports: Ports) -> None:
    """Lead the gate for one moment: a second of the rate is invited, and whoever is invited may come in from now on."""
    leader = await Candidate(uuid4()).look(ports, time.monotonic)
    assert leader is not None
    assert await leader.beat(ports, time.monotonic)
    async with ports.begin() as tx:
        ticked = await tx.gate.tick(leader.holder, at_ms=1, ceiling=10**9, reached=None, keep_from_ms=0)
    assert ticked is not None


@asynccontextmanager
async def partners_at_work() -> AsyncIterator[tuple[Partners, str]]:
    """Partners that answer at once, and their address."""
    partners = Partners(Figures(HELPFUL, FAST, FAST, FAST), opens_at=time.time(), seed=1)
    runner = web.AppRunner(partners.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield partners, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def registration(
    database_url: str, folder: Path, *, working: bool = True, **settings: str
) -> AsyncIterator[Registration]:
    """working: a worker hands over codes and checks. settings: as in the table, without the prefix."""
    clock, stages, metrics = JumpClock(), list[str](), Metrics()
    async with partners_at_work() as (partners, partners_url):
        # Dozens that ask in one instant meet here what they ask for, and not the door, which would turn some away.
        open_door = {"OVERLOAD_LIMIT": "off"}
        given = {"SYNTHETIC_PEOPLE": "on", "SECRET_KEY": "11" * 32, "PHOTO_DIR": str(folder), **open_door, **settings}
        variables = {f"REGISTRATION_{name}": value for name, value in given.items()}
        parsed = load({"DATABASE_URL": database_url, "REGISTRATION_PARTNERS_URL": partners_url, **variables})
        async with composition.open_ports(parsed, metrics) as adapters:
            ports = replace(adapters, clock=clock, reached=stages.append)
            async with ports.begin() as tx:
                await tx.waves.put(Wave(parsed.wave_id, parsed.wave_opens_at, parsed.wave_closes_at))
            await open_gate(ports)
            app = composition.build_app(ports, parsed, metrics)
            transport = httpx.ASGITransport(app=app)
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=transport, base_url="http://service.test") as http,
            ):
                service = Registration(http, ports, parsed, metrics, partners, clock, stages)
                if working:
                    async with service.worker():
                        yield service
                else:
                    yield service


@dataclass
class StandingService:
    """One running service for all tables, and a person who is signed in: nothing that is refused changes it."""

    runner: asyncio.Runner
    service: Registration
    person: Person

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    async def send(
        self, method: str, path: str, body: Any, *, content_type: str = "application/json"
    ) -> httpx.Response:
        """A request of the person. body: bytes go as they are."""
        headers = {**self.person.session, "Content-Type": content_type, "Idempotency-Key": new_key()}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.service.http.request(method, path, content=content, headers=headers)


@contextmanager
def standing_service(server_url: str, template: str, folder: Path, name: str) -> Iterator[StandingService]:
    """A StandingService on a database `name` of its own."""

    async def signed_in(service: Registration) -> Person:
        return await (await Person(service, 1).sign_up()).sign_in()

    with asyncio.Runner() as runner, standing_database(runner, server_url, template, name) as database_url:
        room = registration(database_url, folder)
        service = runner.run(room.__aenter__())
        try:
            yield StandingService(runner, service, runner.run(signed_in(service)))
        finally:
            runner.run(room.__aexit__(None, None, None))


@contextmanager
def standing_database(runner: asyncio.Runner, server_url: str, template: str, name: str) -> Iterator[str]:
    """The address of a fresh, migrated database that lives longer than one test."""

    async def on_server(statement: str) -> None:
        connection = await asyncpg.connect(server_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    runner.run(on_server(f"drop database if exists {name}"))
    runner.run(on_server(f"create database {name} template {template}"))
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        runner.run(on_server(f"drop database {name} with (force)"))
