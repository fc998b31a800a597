"""The audit over a real database, real photos and real partners: every real loss and double makes a difference."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from loadtests.harness.audit import KINDS, Ledger, audit
from loadtests.receipts import Collected, Receipts
from service.domain.codes import Channel
from service.storage.ledger import read_ledger
from tests.conftest import Run
from tests.integration.queue_room import one
from tests.integration.registration_room import Person, Registration, registration
from tests.integration.worker_room import Room, service_room


class Night:
    """One person who went the whole way, and what the three parties remember."""

    def __init__(self, service: Registration, connection: asyncpg.Connection, folder: Path, receipts: Receipts) -> None:
        self.service = service
        self.connection = connection
        self.folder = folder
        self.receipts = receipts
        self._collected = Collected()

    def told(self) -> dict[str, Any]:
        """What receipts.json would say."""
        self._collected.take("swarm", *self.receipts.news())
        file = io.BytesIO()
        self._collected.write(file)
        found: dict[str, Any] = json.loads(file.getvalue())
        return found

    async def ledgers(self, *, partners: bool = True) -> dict[str, Ledger]:
        database = json.loads(json.dumps(await read_ledger(self.connection, self.service.ports.photos)))
        return audit(self.told(), database, partners_ledger(self.service) if partners else None)

    async def differences(self) -> dict[str, int | None]:
        return {kind: row["difference"] for kind, row in (await self.ledgers()).items() if row["difference"] != 0}

    async def break_(self, *statements: str) -> None:
        """Do what no code of ours can do: without constraints and foreign keys."""
        for statement in statements:
            await self.connection.execute(statement)


def partners_ledger(service: Registration | Room) -> dict[str, Any]:
    partners = service.partners
    ledgers = {"civil_registry": partners.registry.ledger.as_json()}
    return ledgers | {name: gateway.ledger.as_json() for name, gateway in partners.gateways.items()}


@asynccontextmanager
async def night(database_url: str, folder: Path) -> AsyncIterator[Night]:
    async with registration(database_url, folder, working=False) as service, one(database_url) as connection:
        async with service.worker():
            person = await Person(service, 7).prepare()
            await service.drained()
        receipts = Receipts()
        receipts.acknowledged("accounts", 7, person.account_id)
        receipts.acknowledged("joins", 7, (await person.post("/waves/1/join")).json()["join_id"])
        check = (await person.put("/identity", person.identity())).json()["check_id"]
        receipts.acknowledged("identity_checks", (7, "identity"), check)
        for kind, query in (
            ("codes", "select id::text from code_request where used_at is not null"),
            ("photos", "select id from upload"),
        ):
            for (told,) in await connection.fetch(query):
                receipts.acknowledged(kind, told, told)
        yield Night(service, connection, folder, receipts)


def test_an_untouched_database_differs_in_nothing(run: Run, database_url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with night(database_url, tmp_path) as held:
            ledgers = await held.ledgers()
            assert {kind: ledgers[kind]["difference"] for kind in KINDS} == dict.fromkeys(KINDS, 0)
            assert [ledgers[kind]["client"] for kind in KINDS] == [1, 2, 1, 2, 1]
            unread = await held.ledgers(partners=False)
            assert [unread[kind]["difference"] for kind in KINDS] == [0, None, None, 0, 0]

    run(scenario())


LOSSES = {
    "joins": ["delete from wave_join"],
    "accounts": ["set session_replication_role = replica", "delete from account"],
    "codes": ["delete from code_request where channel = 2"],
    "identity_checks": ["delete from identity_check"],
    "photos": ["delete from upload where slot = 1"],
}


@pytest.mark.parametrize("kind", LOSSES)
def test_a_row_that_is_gone_is_lost(run: Run, database_url: str, tmp_path: Path, kind: str) -> None:
    async def scenario() -> None:
        async with night(database_url, tmp_path) as held:
            await held.break_(*LOSSES[kind])
            assert (await held.ledgers())[kind]["lost"] == 1
            assert set(await held.differences()) == {kind}

    run(scenario())


@pytest.mark.parametrize("what", ["removed", "cut"])
def test_a_photo_file_that_is_gone_or_cut_is_lost(run: Run, database_url: str, tmp_path: Path, what: str) -> None:
    def damage(upload: str) -> None:
        (file,) = [path for path in tmp_path.rglob("*") if path.is_file() and upload in path.name]
        if what == "removed":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:-1])

    async def scenario() -> None:
        async with night(database_url, tmp_path) as held:
            damage(await held.connection.fetchval("select id from upload limit 1"))
            assert await held.differences() == {"photos": 1}

    run(scenario())


DOUBLES = {
    "joins": [
        "alter table wave_join drop constraint wave_join_account_id_wave_id_key",
        "insert into wave_join (id, wave_id, account_id) select gen_random_uuid(), wave_id, account_id from wave_join",
    ],
    "accounts": [
        "alter table account drop constraint account_ticket_number_key",
        "insert into account (id, ticket_number, name, phone)"
        " select gen_random_uuid(), ticket_number, name, '+628000' from account",
    ],
    "codes": ["update code_request set handed_at = null where channel = 2"],
    "identity_checks": [
        "alter table identity_check drop constraint identity_check_account_id_version_key",
        "insert into identity_check (id, account_id, version, outcome)"
        " select gen_random_uuid(), account_id, version, outcome from identity_check",
    ],
    "photos": [
        "drop index upload_slot",
        "update upload set slot = 1",
    ],
}


@pytest.mark.parametrize("kind", DOUBLES)
def test_what_was_done_twice_is_doubled(run: Run, database_url: str, tmp_path: Path, kind: str) -> None:
    async def scenario() -> None:
        async with night(database_url, tmp_path) as held:
            await held.break_(*DOUBLES[kind])
            ledger = (await held.ledgers())[kind]
            assert ledger["lost"] == 0
            assert ledger["doubled"]
            assert set(await held.differences()) == {kind}

    run(scenario())


def test_one_receipt_for_two_people_is_lost(run: Run, database_url: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with night(database_url, tmp_path) as held:
            for kind in ("accounts", "joins"):
                (told,) = held.told()[kind]["acknowledged"]
                held.receipts.acknowledged(kind, 8, told)
            assert await held.differences() == {"accounts": 1, "joins": 1}

    run(scenario())


def test_a_partner_asked_without_an_attempt_is_a_difference(run: Run, database_url: str, tmp_path: Path) -> None:
    """The same call again is one too many for `attempted`; a new key is one too many for the rows."""

    async def scenario() -> None:
        async with night(database_url, tmp_path) as held:
            await held.service.ports.sms.send("+6280000000007", "Kode 123456", idempotency_key="stray")
            assert await held.differences() == {"codes": 1}
            # Even when the attempt was counted: no row asks for another message.
            await held.break_("update queue set attempted = attempted + 10")
            assert await held.differences() == {"codes": 1}
            await held.service.ports.sms.send("+6280000000007", "Kode 123456", idempotency_key="stray")
            assert await held.differences() == {"codes": 1}

    run(scenario())


def test_jobs_that_vanished_are_lost(run: Run, database_url: str, tmp_path: Path) -> None:
    """Waiting, leased and dead ones are not lost; a job that is nowhere is."""

    async def lost(room: Room) -> tuple[int, int]:
        ledger = await read_ledger(room.connection, room.ports.photos)
        return ledger["codes"]["lost"], ledger["identity_checks"]["lost"]

    async def scenario() -> None:
        async with service_room(database_url, tmp_path) as room:
            ann: UUID = await room.account(1)
            await room.ask_code(ann)
            await room.ask_code(ann, Channel.EMAIL)
            await room.ask_code(None)
            await room.ask_check(ann)
            for state in (0, 1, 2):
                await room.connection.execute("update job set state = $1", state)
                assert await lost(room) == (0, 0)
            await room.connection.execute("delete from job")
            assert await lost(room) == (2, 1)

            # What nobody waits for any more was dropped or expired by rule.
            await room.connection.execute("update code_request set used_at = now() where channel = 1")
            assert await lost(room) == (1, 1)
            await room.connection.execute("update code_request set sent_at = now() - interval '5 minutes'")
            assert await lost(room) == (0, 1)
            await room.connection.execute(
                "insert into identity_check (id, account_id, version, outcome)"
                " select gen_random_uuid(), account_id, 2, 1 from identity_check"
            )
            assert await lost(room) == (0, 0)

    run(scenario())


def test_after_the_worker_nothing_is_lost(run: Run, database_url: str, tmp_path: Path) -> None:
    """Sent, sent again, refused and dropped: the partners saw no more than was attempted and asked for."""

    async def scenario() -> None:
        async with registration(database_url, tmp_path) as service, one(database_url) as connection:
            person = await (await Person(service, 3).sign_up()).sign_in()
            await service.post("/codes", {"address": person.phone})
            await service.post("/codes", {"address": "+6280000009999"})
            another = Person(service, 4).identity()["family_card_number"]
            assert (await person.put("/identity", person.identity(family_card_number=another))).status_code == 202
            await service.drained()
            assert (await person.put("/identity", person.identity())).status_code == 202
            await service.drained()
            database = await read_ledger(connection, service.ports.photos)
            seen = partners_ledger(service)
            for kind, partners in (("codes", ("email", "sms")), ("identity_checks", ("civil_registry",))):
                row = database[kind]
                assert row["lost"] == row["doubled"] == 0
                assert sum(seen[name]["distinct"] for name in partners) == row["distinct_at_most"] == 2
                assert 2 <= sum(seen[name]["asked"] for name in partners) <= row["attempted"]

    run(scenario())
