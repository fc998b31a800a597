"""The ministry's list: whole or not at all, twice without any change, and nothing of it can be read back."""

import hmac
from datetime import date
from hashlib import sha256

import pytest

from scenarios.identity_numbers import nik
from service import priority_command
from service.actions import priority
from tests.integration.draw_room import DrawRoom, asked, draw_room

NUMBERS = [nik(33, 72, date(1990, 5, 6), False, serial) for serial in range(1, 61)]


async def imported(room: DrawRoom, content: bytes, *words: str) -> tuple[str, bool]:
    path = room.folder / "list.csv"
    path.write_bytes(content)
    options = asked(priority_command, "import", str(path), *words)
    return await priority_command.run(room.begin, room.vault, room.settings, options)


async def people(room: DrawRoom) -> set[bytes]:
    return {row[0] for row in await room.connection.fetch("select nik_index from priority_person")}


@pytest.mark.parametrize("batch", [7, 20_000], ids=["batches", "one batch"])
def test_a_list_is_imported_and_imported_again(run, database_url, tmp_path, monkeypatch, batch):
    """A longer list adds what is new in it."""
    monkeypatch.setattr(priority, "BATCH", batch)

    async def scenario():
        async with draw_room(database_url, tmp_path) as room:
            text = "NIK;nama\n" + "".join(f"{number};Siti\n" for number in [*NUMBERS[:50], NUMBERS[3]])
            told = [await imported(room, text.encode(), "--json") for _ in range(2)]
            first = await people(room)
            record = await room.connection.fetch("select verb, outcome from staff_audit order by id")
            assert [tuple(row) for row in record] == [("priority-import", "done"), ("priority-import", "unchanged")]
            told.append(await imported(room, "\n".join(NUMBERS).encode()))
            options = asked(priority_command)
            told.append(await priority_command.run(room.begin, room.vault, room.settings, options))
            return told, first, await people(room), room.vault

    told, first, all_of_them, vault = run(scenario())
    assert told[0] == ('{"numbers": 50, "repeated": 1, "added": 50, "total": 50}', True)
    assert told[1] == ('{"numbers": 50, "repeated": 1, "added": 0, "total": 50}', True)
    assert "10 added, 50 were on the list already; it has 60 now" in told[2][0]
    assert told[3] == ("60 people", True)
    assert first == {vault.index(number) for number in NUMBERS[:50]}
    assert all_of_them == {vault.index(number) for number in NUMBERS}
    keyless = {digest for number in NUMBERS for digest in (number.encode(), sha256(number.encode()).digest())}
    assert not all_of_them & keyless
    assert not all_of_them & {hmac.digest(b"", number.encode(), sha256) for number in NUMBERS}


def test_every_line_that_cannot_be_used_is_told_and_nothing_is_imported(run, database_url, tmp_path):
    lines = [*NUMBERS[:3], "3.37299E+15", *NUMBERS[3:6], NUMBERS[6][:-1], "Siti;" + NUMBERS[7], *NUMBERS[8:]]

    async def scenario():
        async with draw_room(database_url, tmp_path) as room:
            told = await imported(room, "\n".join(lines).encode())
            return told, await people(room)

    (text, done), there = run(scenario())
    assert not done and there == set()
    assert [line.partition(":")[0] for line in text.splitlines()] == [
        "line 4",
        "line 8",
        "line 9",
        "3 lines cannot be used",
    ]
    assert "Siti" not in text and NUMBERS[6][:-1] not in text, "what stands in a line is nobody's business"


def test_what_breaks_in_the_middle_leaves_nothing(run, database_url, tmp_path, monkeypatch):
    """All batches are one transaction. Were each its own, the first would be there."""
    monkeypatch.setattr(priority, "BATCH", 10)

    class Killed(Exception):
        pass

    def kill(said: str) -> None:
        if said.startswith("30 of"):
            raise Killed

    async def scenario():
        async with draw_room(database_url, tmp_path) as room:
            lines = [number.encode() for number in NUMBERS]
            with pytest.raises(Killed):
                await priority.import_list(room.begin, room.vault, "Root", lines, synthetic_people=True, say=kill)
            return await people(room)

    assert run(scenario()) == set()
