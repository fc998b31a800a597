"""A closed wave and people who joined it, put by SQL; verbs as an operator types them."""

import argparse
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from scenarios.identity_numbers import family_card_of, nik
from service import draw_command, draw_database
from service.actions import staff
from service.applicant_ports import Identity
from service.domain.identity import IdentityStatus
from service.domain.staff import Cost, Role
from service.draw_folder import DrawFolder
from service.ports import Begin
from service.settings import Settings, load
from service.staff_ports import Proposal
from service.storage.identities import IdentityRows
from service.storage.pool import Database
from service.storage.transaction import begin_on
from service.storage.vault import KeyVault
from tests.integration.registration_room import BORN, JumpClock

HOUR = timedelta(hours=1)
CHEAP = Cost(2**4, 8, 1)
"""A hash that nobody would keep, and no test waits for."""


@dataclass
class DrawRoom:
    connection: asyncpg.Connection
    begin: Begin
    vault: KeyVault
    settings: Settings
    folder: Path
    clock: JumpClock = field(default_factory=JumpClock)
    numbers: int = 0
    speaks_at: str = ""
    """The beacon, as it was said first."""

    async def wave(self, number: int = 1, *, seats: int = 3, quotas: str = '{"52": 1}', open_: bool = False) -> None:
        """A wave that closed a minute ago, or one that is open."""
        await self.connection.execute(
            """insert into wave (id, opens_at, closes_at, seats, quotas)
            values ($1, now() - interval '2 days', now() + $4 * interval '1 minute', $2, $3::text::jsonb)""",
            number,
            seats,
            quotas,
            1 if open_ else -1,
        )

    async def person(
        self,
        *,
        wave: int = 1,
        province: int = 31,
        status: IdentityStatus = IdentityStatus.MATCH,
        born: date = BORN,
        employment: str = "laid_off",
        assessed: bool = True,
        number: str = "",
    ) -> UUID:
        """Somebody who joined; the ticket."""
        self.numbers += 1
        account_id, ticket = uuid4(), uuid4()
        do = self.connection.execute
        await do("insert into ticket (number) values ($1)", self.numbers)
        await do(
            "insert into account (id, ticket_number, name, phone) values ($1, $2, 'Siti', $3)",
            account_id,
            self.numbers,
            f"+6280{self.numbers:09}",
        )
        number = number or nik(33, 72, born, False, self.numbers)
        given = Identity(account_id, number, family_card_of(number), born, status, 1, uuid4())
        await IdentityRows(self.connection, self.vault).put(given)
        for step, data in {"personal": {"province": province}, "work": {"employment_status": employment}}.items():
            await do("insert into profile (account_id, step, data) values ($1, $2, $3)", account_id, step, data)
        if assessed:
            await do(
                "insert into assessment (account_id, deadline, answers, submitted_at) values ($1, now(), '{}', now())",
                account_id,
            )
        await do("insert into wave_join (id, wave_id, account_id) values ($1, $2, $3)", ticket, wave, account_id)
        return ticket

    async def prioritize(self, ticket: UUID) -> None:
        """Put the ticket's holder on the ministry's list."""
        await self.connection.execute(
            """insert into priority_person select nik_index from identity
            join wave_join using (account_id) where wave_join.id = $1""",
            ticket,
        )

    async def draw(self, *words: str) -> tuple[Any, bool]:
        """What `launchnight draw WORDS` says; the answer as data when it is done."""
        options = asked(draw_command, *words, "--json")
        said = draw_command.run_here(options, self.clock.now())
        text, done = said or await draw_command.run(self.begin, self.vault, self.settings, options, self.clock)
        return (json.loads(text) if done else text), done

    async def freeze(self, folder: str = "wave-1", wave: int = 1, *, round_: str = "7") -> tuple[Any, bool]:
        self.speaks_at = self.speaks_at or (self.clock.now() + 1.5 * HOUR).isoformat()
        beacon = ["--beacon", "drand", "--round", round_, "--speaks-at", self.speaks_at]
        return await self.draw("freeze", str(self.folder / folder), "--wave", str(wave), *beacon)

    async def drawn(self) -> None:
        """From the freeze to the draw; nothing is published yet."""
        told, done = await self.freeze()
        assert done, told
        await self.run_draw()

    async def run_draw(self) -> None:
        """When the beacon has spoken."""
        self.clock.ahead += 2 * HOUR
        told, done = await self.draw("run", str(self.folder / "wave-1"), "--beacon", "b34c0n")
        assert done, told

    async def agree(self) -> None:
        """Two of the staff want the draw of wave 1 to be published as it stands."""
        wanted = asdict(draw_database.drawn_of(DrawFolder(self.folder / "wave-1")))
        now = self.clock.now()
        for name in ("Dewi", "Budi"):
            await staff.add(self.begin, self.vault, staff.at_the_shell("Root"), name, Role.OPERATOR, CHEAP)
        async with self.begin() as tx:
            first, second = await tx.staff.find("Dewi"), await tx.staff.find("Budi")
            assert first and second
            proposal = Proposal(uuid4(), "draw-publish", wanted, first.id, "Dewi", now, now + HOUR, None, None, None)
            await tx.staff.propose(proposal)
            await tx.staff.confirm(proposal.id, second.id, now)

    async def outcomes(self) -> dict[UUID, int]:
        """Ticket -> outcome, in the order of the draw."""
        rows = await self.connection.fetch("select join_id, outcome from draw_place order by rank")
        return {row["join_id"]: row["outcome"] for row in rows}

    async def granted(self) -> set[UUID]:
        """Tickets with a grant that holds."""
        rows = await self.connection.fetch("select join_id from wave_grant where withdrawn_at is null")
        return {row["join_id"] for row in rows}


def asked(module: ModuleType, *words: str) -> argparse.Namespace:
    """The options of a verb, as they are typed."""
    parser = argparse.ArgumentParser()
    add: Callable[[argparse.ArgumentParser], None] = module.add_arguments
    add(parser)
    return parser.parse_args(words)


@asynccontextmanager
async def draw_room(url: str, folder: Path, *, connections: int = 4) -> AsyncIterator[DrawRoom]:
    given = {"SECRET_KEY": "11" * 32, "SYNTHETIC_PEOPLE": "on", "PHOTO_DIR": str(folder)}
    settings = load({"DATABASE_URL": url, **{f"REGISTRATION_{name}": value for name, value in given.items()}})
    vault = KeyVault(settings.secret_key)
    database = await Database.open(url, connections=connections)
    try:
        async with database.connection() as connection:
            yield DrawRoom(connection, begin_on(database, vault), vault, settings, folder)
    finally:
        await database.close()
