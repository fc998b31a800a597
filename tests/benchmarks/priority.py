"""The ministry's list at its real size: 1,483,110 identity numbers, imported, and imported again.

`priority.import_s`: a file read, checked, indexed under the key and stored, into an empty list each time; beside it
what the same numbers cost to be hashed under the key alone. `priority.again_s`: the same file once more, which changes
nothing.
"""

import asyncio
import hmac
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

from scenarios.identity_numbers import nik
from service.actions.priority import Imported, import_list
from service.domain.regions import PROVINCES
from service.storage.migrate import migrate_url
from service.storage.pool import Database
from service.storage.transaction import begin_on
from service.storage.vault import KeyVault
from tests.benchmarks.rows import Row, alone, paired
from tests.benchmarks.stack import say, stack

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "1483110"))
"""Fewer to try the benchmark itself."""
RUNS = 5
FIRST_DAY = date(1960, 1, 1)
DAYS = 15_000
KEY = b"\x11" * 32


def rows() -> Iterator[Row]:
    with stack() as server, tempfile.TemporaryDirectory() as place:
        path = Path(place) / "list.csv"
        say(f"writing {PEOPLE:,} numbers")
        numbers = list(people())
        path.write_text("NIK\n" + "".join(f"{number}\n" for number in numbers))
        imports, floors, repeats = [], [], []
        for run in range(RUNS):
            url = server.database(f"priority_{run}")
            asyncio.run(migrate_url(url))
            floors.append(hashed(numbers))
            took, first = timed(url, path)
            again, second = timed(url, path)
            assert (first.added, second.added, second.total) == (PEOPLE, 0, PEOPLE), (first, second)
            imports.append(took)
            repeats.append(again)
            say(f"run {run + 1} of {RUNS}: {took:.1f} s, again {again:.1f} s, hashing alone {floors[-1]:.1f} s")
    yield alone("priority.import_s", "s", imports)
    yield alone("priority.again_s", "s", repeats)
    yield paired("priority.vs_hashing", "s", imports, floors)


def people() -> Iterator[str]:
    """Different numbers, all over the country and the calendar."""
    provinces = list(PROVINCES)
    for number in range(PEOPLE):
        area, rest = provinces[number % len(provinces)], number // len(provinces)
        born = FIRST_DAY + timedelta(days=rest % DAYS)
        yield nik(area, 1 + number % 9, born, number % 2 == 0, 1 + rest // DAYS)


def hashed(numbers: list[str]) -> float:
    began = time.perf_counter()
    for number in numbers:
        hmac.digest(KEY, number.encode(), sha256)
    return time.perf_counter() - began


def timed(url: str, path: Path) -> tuple[float, Imported]:
    async def bring() -> Imported:
        vault = KeyVault(KEY)
        database = await Database.open(url, connections=1)
        try:
            with path.open("rb") as file:
                return await import_list(begin_on(database, vault), vault, "bench", file, synthetic_people=True)
        finally:
            await database.close()

    began = time.perf_counter()
    done = asyncio.run(bring())
    return time.perf_counter() - began, done
