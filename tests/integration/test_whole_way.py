"""From the waiting room's ticket to the last survey's payment: the applicant by the public API, operators by verbs.

From a row on paper to the wave: tests/integration/test_paper_claims.py.
"""

import json
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg

from scenarios.partners.requests import Account
from service import announce_command, books_command, wave_command
from tests.conftest import Run
from tests.integration.draw_room import DrawRoom, asked
from tests.integration.registration_room import Person, Registration, registration, until

MONTH = timedelta(days=30)
WALLET = {"method": "ovo", "number": "0812 8000 0001"}
SURVEY = {"working": "employed", "monthly_income": 3_000_000, "uses_training": True}


async def operate(service: Registration, module: ModuleType, *words: str) -> dict[str, Any]:
    """What an operator's verb says; it can be done."""
    options = asked(module, *words, "--json")
    text, done = await module.run(service.ports.begin, service.ports.vault, service.settings, options)
    assert done, text
    said: dict[str, Any] = json.loads(text)
    return said


def days(service: Registration, since: str, until_: str) -> list[str]:
    """Options for dates an hour ago and two days from now."""
    now = service.clock.now()
    return [since, (now - timedelta(hours=1)).isoformat(), until_, (now + timedelta(days=2)).isoformat()]


async def draw(service: Registration, connection: asyncpg.Connection, folder: Path) -> None:
    """Freeze the list of the closed wave, draw, and publish what two of the staff want published."""
    ports = service.ports
    room = DrawRoom(connection, ports.begin, ports.vault, service.settings, folder, service.clock)  # type: ignore[arg-type]
    await room.drawn()
    await room.agree()
    told, done = await room.draw("publish", str(folder / "wave-1"))
    assert done, told


async def matched(person: Person) -> bool:
    return bool((await person.me())["identity"]["status"] == "match")


async def result_of(service: Registration, ticket: str) -> dict[str, Any]:
    answer = await service.get(f"/waves/1/results/{ticket}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def told(service: Registration, person: Person, words: str) -> bool:
    return any(words in text for text in service.inbox(person.phone))


async def announced(service: Registration, ticket: str) -> bool:
    return bool((await result_of(service, ticket))["state"] == "announced")


async def be_paid(service: Registration, person: Person) -> None:
    """Training, the account, four instalments and three surveys, month by month."""

    async def received(amount: int) -> bool:
        return bool((await service.get("/grant", **person.session)).json()["received"] == amount)

    assert (await person.post("/grant/courses", {"course": "sekolah-python"})).status_code == 201
    assert (await person.put("/grant/account", WALLET)).status_code == 202
    certified = {"course": "sekolah-python", "certificate": "CERT-0001"}
    assert (await person.post("/grant/completions", certified)).status_code == 201
    await until(partial(received, 600_000))
    begun = service.clock.ahead
    for month in (1, 2, 3):
        service.clock.ahead = begun + month * MONTH + timedelta(minutes=month)
        await person.sign_in(person.phone)
        assert (await person.put(f"/grant/surveys/{month}", SURVEY)).status_code == 204
        await until(partial(received, 600_000 + month * 650_000))


def test_from_the_ticket_to_the_last_payment(run: Run, database_url: str, tmp_path: Path) -> None:
    """One of two who joined is chosen, told by SMS, trained and paid to the last rupiah; the other joins the next wave
    without typing anything again."""

    async def scenario() -> None:
        async with registration(database_url, tmp_path) as service:
            people = [await Person(service, number).prepare() for number in (7, 8)]
            tickets = []
            for person in people:
                await until(partial(matched, person))
                joined = await person.post("/waves/1/join")
                assert joined.status_code == 201
                tickets.append(str(joined.json()["join_id"]))
            await service.drained()
            waiting = await result_of(service, tickets[0])
            assert (waiting["state"], waiting["place"]) == ("open", None)

            await operate(service, wave_command, "set", "1", "--seats", "1")
            await operate(service, wave_command, "close", "1")
            connection = await asyncpg.connect(database_url)
            try:
                await draw(service, connection, tmp_path)
            finally:
                await connection.close()
            await operate(service, wave_command, "set", "1", *days(service, "--sms-from", "--sms-until"))
            await operate(service, announce_command, "start", "--wave", "1")
            await until(partial(announced, service, tickets[0]))
            places = [(await result_of(service, ticket))["place"] for ticket in tickets]
            assert sorted(places) == ["chosen", "waiting"]
            chosen, other = people if places[0] == "chosen" else reversed(people)
            await until(partial(told, service, chosen, "terpilih"))

            await chosen.sign_in(chosen.phone)
            assert (await chosen.me())["draw"]["outcome"] == "chosen"
            await be_paid(service, chosen)
            assert service.partners.payouts.received(Account("ovo", "+6281280000001")) == 2_550_000
            books = await operate(service, books_command, "check")
            assert (books["faults"], books["completed"], books["granted_to_completed"]) == (0, 1, 3_550_000)

            await operate(service, wave_command, "set", "2", *days(service, "--opens-at", "--closes-at"))
            await other.sign_in(other.phone)
            assert (await other.post("/waves/2/join")).status_code == 201
            again = await chosen.post("/waves/2/join")
            assert (again.status_code, [each["rule"] for each in again.json()["reasons"]]) == (403, ["grant"])

    run(scenario())
