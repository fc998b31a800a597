"""The registration as applicants meet it: the service and the simulated partners as processes of their own."""

import asyncio
import json
import os
import re
import secrets
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from uuid import UUID, uuid4

import asyncpg

from loadtests.harness.processes import Child, python
from service.actions.complaints import answer_complaint
from service.actions.offices import add_office
from service.clock import WallClock
from service.domain.draws import Outcome
from service.domain.offices import CODE_BYTES
from service.running import KEY_FILE
from service.storage import embedded
from service.storage.pool import Database
from service.storage.transaction import begin_on
from service.storage.vault import KeyVault

PATIENCE = 30.0
_READY_WITHIN = 60.0
_LOOK_EVERY = 0.05
_NEWEST_PHOTO = "select id, length, original_sha256, inspected_at from upload order by created_at desc limit 1"
_AT_ONCE = {"delay_median_s": 0.05, "delay_sigma": 0.0, "loss": 0.0}
ANSWERS_AT_ONCE = {"latency_median_s": 0.05, "latency_p99_s": 0.05, "error_ratio": 0.0}
ANSWERS_SLOWLY = {"latency_median_s": 4.0, "latency_p99_s": 4.0}


@dataclass(frozen=True)
class Photo:
    """`length` and `sha256` of what arrived; `clean`: the copy that is kept, None when it was refused."""

    length: int
    sha256: bytes
    clean: bytes | None


@dataclass(frozen=True)
class House:
    url: str
    partners_url: str
    data: Path
    """Of the service: database, key and photos."""
    database_url: str
    process: int

    @contextmanager
    def silent(self) -> Iterator[None]:
        """The service takes connections and answers nothing, as when it or the network is overwhelmed."""
        os.kill(self.process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process, signal.SIGCONT)

    def address(self, slug: str, language: str = "id") -> str:
        return f"{self.url}/daftar/{'en/' if language == 'en' else ''}{slug}"

    def newest_photo(self) -> "Photo":
        """What came of the photo that was sent last, once it was inspected."""
        with ThreadPoolExecutor(1) as apart:  # the browser's driver has an event loop of its own in this thread
            return apart.submit(lambda: asyncio.run(self._newest_photo())).result()

    async def _newest_photo(self) -> "Photo":
        connection = await asyncpg.connect(self.database_url)
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    row = await connection.fetchrow(_NEWEST_PHOTO)
                    if row["inspected_at"] is not None:
                        break
                    await asyncio.sleep(_LOOK_EVERY)
        finally:
            await connection.close()
        copy = self.data / "photos" / row["id"][:2] / f"{row['id']}.clean"
        vault = KeyVault(bytes.fromhex((self.data / KEY_FILE).read_text()))
        clean = vault.open(copy.read_bytes(), row["id"].encode()) if copy.exists() else None
        return Photo(row["length"], row["original_sha256"], clean)

    def new_office(self, name: str) -> str:
        """The access code of a labor office, as an operator is shown it."""
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(lambda: asyncio.run(self._new_office(name))).result()

    async def _new_office(self, name: str) -> str:
        vault = KeyVault(bytes.fromhex((self.data / KEY_FILE).read_text()))
        database = await Database.open(self.database_url, connections=1, name="operator")
        try:
            code = await add_office(begin_on(database, vault), vault, "Root", name, secrets.token_bytes(CODE_BYTES))
        finally:
            await database.close()
        assert code, f"there is an office {name}"
        return code

    def waiting_ticket(self, number: int) -> tuple[int, str]:
        """A wave whose draw was published, and a ticket that waits in it. number: another one each time."""
        wave, ticket = 1000 + number, uuid4()
        with ThreadPoolExecutor(1) as apart:
            apart.submit(lambda: asyncio.run(self._publish_draw(wave, ticket))).result()
        return wave, ticket.hex

    async def _publish_draw(self, wave: int, ticket: UUID) -> None:
        connection = await asyncpg.connect(self.database_url)
        try:
            await connection.execute(
                """insert into wave (id, opens_at, closes_at, seats, frozen_at, published_at)
                values ($1, now() - interval '30 d', now() - interval '25 d', 200000, now(), now())""",
                wave,
            )
            await connection.execute(
                """insert into wave_join (id, wave_id, account_id)
                select $1, $2, id from account order by created_at desc limit 1""",
                ticket,
                wave,
            )
            values = "insert into draw_place (join_id, wave_id, outcome, rank) values ($1, $2, $3, 214803)"
            await connection.execute(values, ticket, wave, Outcome.WAITING)
        finally:
            await connection.close()

    def answer_complaint(self, number: int, text: str) -> None:
        with ThreadPoolExecutor(1) as apart:
            apart.submit(lambda: asyncio.run(self._answer_complaint(number, text))).result()

    async def _answer_complaint(self, number: int, text: str) -> None:
        vault = KeyVault(bytes.fromhex((self.data / KEY_FILE).read_text()))
        database = await Database.open(self.database_url, connections=1, name="operator")
        try:
            await answer_complaint(begin_on(database, vault), WallClock(), "Root", number, text)
        finally:
            await database.close()

    def set_partners(self, **figures: dict[str, float]) -> None:
        """Change what the partners can do: `sms={"loss": 1.0}`."""
        body = json.dumps(figures).encode()
        with urlopen(Request(f"{self.partners_url}/settings", body, method="PATCH")) as answer:
            assert answer.status == 200

    def messages(self, address: str) -> list[str]:
        """What stands in the inbox of a phone or an e-mail address, oldest first."""
        with urlopen(f"{self.partners_url}/inbox/{address}") as answer:
            return [message["text"] for message in json.load(answer)["messages"]]

    def newest_code(self, address: str, *, after: int = 0) -> str:
        """The code in the last message, once there are more than `after`."""
        deadline = time.monotonic() + PATIENCE
        while len(found := self.messages(address)) <= after:
            assert time.monotonic() < deadline, f"no message at {address}"
            time.sleep(_LOOK_EVERY)
        code = re.search(r"\b[0-9]{6}\b", found[-1])
        assert code, found[-1]
        return code.group()

    def ask(self, path: str, key: str) -> dict[str, Any]:
        """POST without a body to the API."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        with urlopen(Request(self.url + path, b"{}", headers)) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def raised(folder: Path, data: Path, **settings: str) -> Iterator[House]:
    """A house with partners that deliver at once. folder: of the logs; data: of database, key and photos."""
    with ExitStack() as ending:
        partners = _started("partners", ["-m", "scenarios.partners"], {}, folder, ending)
        ending.callback(shutil.rmtree, data, ignore_errors=True)
        ending.callback(embedded.discard, data / "database")
        server = embedded.start(data / "database")
        ending.callback(server.stop)
        variables = {
            "DATABASE_URL": server.url,
            "REGISTRATION_PORT": "0",
            "REGISTRATION_PARTNERS_URL": partners.url,
            "REGISTRATION_SYNTHETIC_PEOPLE": "on",
            **{f"REGISTRATION_{name}": value for name, value in settings.items()},
        }
        service = _started("service", ["-m", "service", "all", "--data", str(data)], variables, folder, ending)
        house = House(service.url, partners.url, data, server.url, service.pid)
        house.set_partners(email=_AT_ONCE, sms=_AT_ONCE, civil_registry=ANSWERS_AT_ONCE)
        yield house


def _started(role: str, command: list[str], variables: dict[str, str], folder: Path, ending: ExitStack) -> Child:
    folder.mkdir(parents=True, exist_ok=True)
    child = Child(role, python(*command, "--lifeline"), settings=variables, logs=folder)
    ending.callback(child.stop, grace=25)
    child.wait_ready(_READY_WITHIN)
    return child
