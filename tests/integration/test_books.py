"""The books of everybody: whatever people do and partners answer, they are right; and what is wrong is found."""

import argparse
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from service import books_command
from service.actions import payouts, surveys, training
from service.actions.books import sum_up
from service.actions.once import Once
from service.domain.announcement import Place
from service.domain.catalogue import COURSES
from service.domain.errors import LaunchnightError, PartnerError
from service.domain.money import GRANT, MONTH, SURVEYS
from service.domain.money_errors import StatementUnreadable
from service.domain.payouts import Method
from service.money_ports import PayoutGateway
from service.ports import Ports
from service.storage.transaction import PostgresTransaction
from service.web.idempotency import encode
from tests.conftest import Run
from tests.integration.money_room import Drawn, drawn_wave
from tests.integration.registration_room import JumpClock
from tests.integration.worker_room import Room, service_room

PEOPLE, STEPS, SEED = 5, 300, 1
MOST_JOBS = 500
"""Tries after which a queue that is not empty stays so."""
TROUBLES: list[dict[str, float]] = [{}, {}, {"cut": 0.4}, {"error": 0.5}, {"garble": 0.5}, {"swap": 0.5}]


class Crash(Exception):
    """The process ended in this moment."""


@dataclass
class Crashing:
    """The real partners, to which a call went just before the process ended."""

    gateway: PayoutGateway
    chance: random.Random
    share: float = 0.2
    crashes: int = 0

    def free(self, busy: int) -> int:
        return self.gateway.free(busy)

    async def check(self, method: str, number: str, name: str, *, idempotency_key: str) -> str:
        word = await self.gateway.check(method, number, name, idempotency_key=idempotency_key)
        self._perhaps()
        return word

    async def pay(self, method: str, number: str, amount: int, *, idempotency_key: str) -> None:
        await self.gateway.pay(method, number, amount, idempotency_key=idempotency_key)
        self._perhaps()

    def _perhaps(self) -> None:
        if self.chance.random() < self.share:
            self.crashes += 1
            raise Crash


@dataclass
class Life:
    """People with grants who do whatever they like, with a queue that is worked now and then."""

    room: Room
    ports: Ports
    clock: JumpClock
    people: list[Drawn]
    chance: random.Random
    refusals: dict[str, int] = field(default_factory=dict)

    async def try_(self, work: Any) -> None:
        """Whatever is refused is refused whole."""
        try:
            await work
        except LaunchnightError as error:
            self.refusals[error.code] = self.refusals.get(error.code, 0) + 1

    def once(self) -> Once:
        key = str(self.chance.random()).encode()
        return Once(route=b"test", key=key, fingerprint=b"", status=201, encode=encode)

    async def choose(self, person: Drawn) -> None:
        course = self.chance.choice(list(COURSES))
        await self.try_(training.choose_course(self.ports, self.once(), person.token_hash, course))

    async def complete(self, person: Drawn) -> None:
        async with self.ports.begin() as tx:
            chosen = [each.course for each in await tx.training.choices(person.account_id)]
        course = self.chance.choice(chosen or ["none"])
        certificate = f"CERT-{person.phone}-{course}"
        await self.try_(training.complete_course(self.ports, self.once(), person.token_hash, course, certificate))

    async def account(self, person: Drawn) -> None:
        """One in three has something wrong with it."""
        method = self.chance.choice(list(Method))
        number = f"08120000{self.chance.randrange(100):02d}{self.chance.choice(['01', '02', '03', '04', '97', '99'])}"
        given = number[-10:] if method is Method.BNI else f"+62{number[1:]}"
        await self.try_(payouts.put_account(self.ports, person.token_hash, method, given))

    async def survey(self, person: Drawn) -> None:
        number = self.chance.randint(1, SURVEYS)
        answers = {"working": self.chance.choice(["casual", "looking"])}
        await self.try_(surveys.answer_survey(self.ports, person.token_hash, number, answers))

    async def later(self, _: Drawn) -> None:
        self.clock.ahead += self.chance.random() * MONTH

    async def trouble(self, _: Drawn) -> None:
        self.room.partners.conduct.change({"payout": self.chance.choice(TROUBLES)})

    async def feed(self, _: Drawn) -> None:
        await training.book_instalments(self.ports)
        await payouts.queue_payouts(self.ports)

    async def work(self, _: Drawn) -> None:
        """One job of the queue, as a lane handles it; one whose worker ended is taken over by another."""
        async with self.ports.begin() as tx:
            await self.room.connection.execute("update job set run_at = now() - interval '1 s' where state = 0")
            lost = await tx.queue.reap("payout", most=1, lease_s=-1.0)
            jobs = lost or (await tx.queue.claim("payout", most=1, rate_per_s=-1.0, lease_s=-1.0)).jobs
        for job in jobs:
            error, answered = "", True
            try:
                await self.room.handled(payouts.work_payout, job)
                continue
            except PartnerError as failed:
                error, answered = failed.reason or "failed", not failed.unknown
            except Crash:
                if self.chance.random() < 0.5:
                    continue  # nobody settles it; its lease has run out
                error, answered = "Crash", False
            async with self.ports.begin() as tx:
                await tx.queue.retry(job, delay=0.0, error=error, answered=answered)

    async def calm(self) -> None:
        """Everybody comes to the end: good accounts, partners that work, months that pass."""
        self.room.partners.conduct.change({})
        self.ports.payouts.share = 0.0  # type: ignore[attr-defined]
        for number, person in enumerate(self.people):
            await self.choose_one(person)
            await self.complete(person)
            await self.try_(payouts.put_account(self.ports, person.token_hash, Method.OVO, f"+628110000{number:03d}1"))
            # The one that is preferred turns out to be closed.
            await self.try_(payouts.put_account(self.ports, person.token_hash, Method.GOPAY, "+6281100000097"))
        for _ in range(5):
            for person in self.people:
                for number in range(1, SURVEYS + 1):
                    answers = {"working": "employed"}
                    await self.try_(surveys.answer_survey(self.ports, person.token_hash, number, answers))
            for _ in range(3):
                while await training.book_instalments(self.ports):
                    pass
                await payouts.queue_payouts(self.ports)
                for _ in range(MOST_JOBS):
                    if not await self.room.depth():
                        break
                    await self.work(self.people[0])
            self.clock.ahead += MONTH + timedelta(days=1)

    async def choose_one(self, person: Drawn) -> None:
        """Whoever has chosen nothing yet."""
        async with self.ports.begin() as tx:
            chosen = await tx.training.choices(person.account_id)
        if not chosen:
            await training.choose_course(self.ports, self.once(), person.token_hash, "mitra-ojek")


@asynccontextmanager
async def life(database_url: str, folder: Path, people: int, seed: int) -> AsyncIterator[Life]:
    # Without the guard: nobody waits here until it asks a partner in trouble again.
    async with service_room(database_url, folder, PARTNER_GUARD="off") as room:
        chance, clock = random.Random(seed), JumpClock()
        gateway = Crashing(room.ports.payouts, chance)
        room.ports = replace(room.ports, clock=clock, payouts=gateway)
        drawn = await drawn_wave(room.connection, [Place.CHOSEN] * people)
        yield Life(room, room.ports, clock, drawn, chance)


def test_whatever_happens_the_books_are_right(run: Run, database_url: str, tmp_path: Path) -> None:
    """Choices, accounts, surveys, months, partners in trouble, processes that end in mid-call: at every moment each
    entry is one that may be, and at the end everybody has 3,550,000, of which the partners paid 2,550,000, once."""

    async def scenario() -> None:
        async with life(database_url, tmp_path, PEOPLE, SEED) as lives:
            steps = [lives.choose, lives.complete, lives.account, lives.survey, lives.later, lives.trouble, lives.feed]
            for number in range(STEPS):
                step = lives.chance.choice([*steps, lives.work, lives.work, lives.work, lives.work])
                await step(lives.chance.choice(lives.people))
                if number % 20 == 0:
                    assert (await sum_up(lives.ports.begin)).told == []
            await lives.calm()
            summary = await sum_up(lives.ports.begin)
            assert (summary.told, summary.waiting) == ([], 0)
            assert summary.completed == summary.participants == len(lives.people)
            assert summary.granted == summary.granted_to_completed == GRANT * summary.completed
            ledger = lives.room.partners.payouts.ledger
            assert ledger.amount == sum(summary.ledgers[each] for each in Method) == 2_550_000 * len(lives.people)
            assert ledger.paid == 7 * len(lives.people)
            crashes: int = lives.ports.payouts.crashes  # type: ignore[attr-defined]
            assert crashes > 0 and ledger.declined > 0 and ledger.traffic.duplicates > 0  # all of it bit
            statement = tmp_path / "statement.csv"
            statement.write_text(lives.room.partners.payouts.statement())
            said, well = await check(lives.room, "--statement", str(statement))
            assert (well, said["faults"]) == (True, 0)

    run(scenario())


async def check(room: Room, *words: str) -> tuple[dict[str, Any], bool]:
    """What `launchnight books check` says, and whether all is well."""
    text, well = await checked(room, *words, "--json")
    return json.loads(text), well


async def checked(room: Room, *words: str) -> tuple[str, bool]:
    parser = argparse.ArgumentParser(exit_on_error=False)
    books_command.add_arguments(parser)
    options = parser.parse_args(["check", *words])
    return await books_command.run(room.ports.begin, room.ports.vault, room.settings, options)


@asynccontextmanager
async def paid_once(database_url: str, folder: Path) -> AsyncIterator[Life]:
    """One participant with one instalment, which was paid."""
    async with life(database_url, folder, 1, 1) as lives:
        lives.ports.payouts.share = 0.0  # type: ignore[attr-defined]
        (person,) = lives.people
        await training.choose_course(lives.ports, lives.once(), person.token_hash, "balai-las")
        await payouts.put_account(lives.ports, person.token_hash, Method.OVO, "+628120000001")
        await lives.work(person)
        await lives.complete(person)
        await lives.feed(person)
        await lives.work(person)
        yield lives


BREAKS = {
    "instalment 1 is booked as 600,001": "update ledger_entry set amount = 600001 where kind = 'instalment'",
    "600,000 is due, and 0 waits": "delete from ledger_entry where kind = 'payout'",
    "due holds -600,000": "delete from ledger_entry where kind = 'instalment'",
    "is booked as (600000, 'ovo') and was (600000, 'bni')": "update payout_attempt set method = 'bni'",
    "is booked as (600000, 'ovo') and was None": "delete from payout_attempt",
    "0 was granted to 1 who completed everything": (
        "with gone as (delete from ledger_entry), answered as ("
        "insert into survey_answer select account_id, n, '{}', now() from participant, generate_series(1, 3) as n"
        ") update participant set instalments = 4, due_at = null"
    ),
}


class Undone(Exception):
    """What was broken is whole again."""


def test_books_that_are_wrong_are_found(run: Run, database_url: str, tmp_path: Path) -> None:
    """Negative controls: what no code of ours can do, without constraints and triggers, one after the other."""

    async def scenario() -> None:
        async with paid_once(database_url, tmp_path) as lives:
            assert (await sum_up(lives.ports.begin)).told == []
            connection = lives.room.connection
            await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
            await connection.execute("alter table ledger_entry drop constraint ledger_entry_check")
            for fault, change in BREAKS.items():
                with suppress(Undone):
                    async with connection.transaction():
                        await connection.execute(f"set local session_replication_role = replica; {change}")
                        told = (await sum_up(begin_in(connection, lives))).told
                        assert any(fault in each for each in told), (fault, told)
                        raise Undone
            assert (await sum_up(lives.ports.begin)).told == []

    run(scenario())


def begin_in(connection: asyncpg.Connection, lives: Life) -> Any:
    """`ports.begin` inside the transaction that is under way."""

    @asynccontextmanager
    async def begin(*, single: bool = False) -> AsyncIterator[PostgresTransaction]:
        yield PostgresTransaction(connection, lives.ports.vault, True)

    return begin


CHANGES = ("update ledger_entry set amount = 1", "delete from ledger_entry", "truncate ledger_entry")


def test_what_was_booked_stays(run: Run, database_url: str, tmp_path: Path) -> None:
    """Nothing changes or removes an entry, and none is added that the rules do not know."""

    async def scenario() -> None:
        async with paid_once(database_url, tmp_path) as lives:
            for change in CHANGES:
                with pytest.raises(asyncpg.RaiseError, match="what was booked stays"):
                    await lives.room.connection.execute(change)
            with pytest.raises(asyncpg.CheckViolationError):
                await lives.room.connection.execute(
                    "insert into ledger_entry (account_id, kind, reference, debit, credit, amount, at)"
                    " select account_id, 'instalment', '2', 'program', 'due', 700000, now() from participant"
                )
            assert (await check(lives.room))[1]

    run(scenario())


def test_a_statement_is_held_against_the_books(run: Run, database_url: str, tmp_path: Path) -> None:
    """A payment that only one side knows, one that differs, one of which we have not heard, and a file that is none."""

    async def scenario() -> None:
        async with paid_once(database_url, tmp_path) as lives:
            (key,) = lives.room.partners.payouts.statement().splitlines()[1:]
            statement = tmp_path / "statement.csv"

            async def faults(*lines: str, options: tuple[str, ...] = ()) -> list[str]:
                statement.write_text("\n".join(("key,method,amount", *lines)) + "\n")
                said, well = await check(lives.room, "--statement", str(statement), *options)
                assert well == (not said["told"])
                return list(said["told"])

            assert await faults(key) == []
            assert "and not in the statement" in (await faults())[0]
            hour = timedelta(hours=1)
            exported = [("--until", (datetime.now(UTC) + ahead).isoformat()) for ahead in (-hour, hour)]
            # A file from before the payment lacks it rightly, one from after it does not; what it has is compared.
            assert await faults(options=exported[0]) == await faults(key, options=exported[0]) == []
            assert "and not in the statement" in (await faults(options=exported[1]))[0]
            assert len(await faults(key.replace("600000", "500000"), options=exported[0])) == 1
            said, well = await checked(lives.room, *exported[0])
            assert not well and "--statement" in said
            assert "stands twice" in (await faults(key, key))[0]
            assert "and no payment of ours" in (await faults(key, "payout-5-1,ovo,1"))[0]
            assert "500,000 by ovo in the statement" in (await faults(key.replace("600000", "500000")))[0]
            await lives.room.connection.execute("update payout_attempt set outcome = null")
            assert any("have not heard of it yet" in told for told in await faults(key))
            await lives.room.connection.execute("update payout_attempt set outcome = 'account_closed'")
            assert any("told us account_closed" in told for told in await faults(key))
            for wrong in ("key,amount\n", "key,method,amount\na,ovo\n", "key,method,amount\na,ovo,1.5\n"):
                statement.write_text(wrong)
                with pytest.raises(StatementUnreadable):
                    await check(lives.room, "--statement", str(statement))

    run(scenario())
