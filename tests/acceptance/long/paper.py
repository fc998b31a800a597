"""A table of a million paper applications, through the command that operators type, on a real server.

`make acceptance NAME=paper`: taken whole in bounded memory; sent again it changes nothing; killed in the middle nothing
of it is there, and it is taken all the same afterwards. Control: a process that holds all rows passes the bound. Ends
with 3 when a bar is missed, with 5 when nothing was killed. Short twins: tests/integration/test_paper_intake.py.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import asyncpg

from loadtests.harness.errors import Exit
from scenarios.identity_numbers import family_card_of, nik
from service.paper_command import RESULT
from service.storage.migrate import migrate_url
from tests.acceptance.long.worker_house import Bars, Invalid
from tests.benchmarks.stack import stack
from tests.children import child_process

BORN = date(1980, 1, 1)
SERIALS = 9000
FEW = 10_000
MORE_MIB = 120
"""Above a table of ten thousand: 48 MB in which duplicates are found, as much again while that table doubles."""
OFFICES = ("Disnaker Satu", "Disnaker Dua")
PATIENCE = 120.0
HOLDER = (
    "import sys; from service.domain.spreadsheets import rows_of; rows = list(rows_of(open(sys.argv[1], 'rb'))); "
    "print(len(rows))"
)


@dataclass(frozen=True)
class Ran:
    said: str
    seconds: float
    mib: float
    """The most memory that it had."""

    @property
    def told(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self.said)
        return found


def write_table(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("Nama;NIK;No KK;Tanggal Lahir;No HP\n")
        for number in range(rows):
            day, serial = divmod(number, SERIALS)
            born = BORN + timedelta(days=day)
            identity = nik(52, 7, born, number % 2 == 0, serial + 1)
            file.write(f"Sri Ayu {number};{identity};{family_card_of(identity)};{born:%d/%m/%Y};0800{number:08d}\n")


def run(command: list[str], settings: Mapping[str, str]) -> Ran:
    """Raises Invalid when it fails."""
    began = time.monotonic()
    environment = {**os.environ, **settings}
    with child_process(command, env=environment, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        said = child.stdout.read().decode()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise Invalid(f"{command[3:]} ended with {child.returncode}")
    return Ran(said, time.monotonic() - began, usage.ru_maxrss / 1024)


def importing(office: str, table: Path) -> list[str]:
    return [sys.executable, "-m", "service", "paper", "import", office, str(table), "--json"]


def killed_in_the_middle(office: str, table: Path, settings: Mapping[str, str], size: int) -> None:
    """Kill an import when it has told of half of its rows. size: bytes of a whole result. Raises Invalid."""
    with child_process(importing(office, table), env={**os.environ, **settings}, stdout=subprocess.PIPE) as child:
        deadline = time.monotonic() + PATIENCE
        while max((path.stat().st_size for path in unfinished(table)), default=0) < size // 2:
            if child.poll() is not None or time.monotonic() > deadline:
                raise Invalid("the import was over, or did not get to its middle")
            time.sleep(0.1)
        child.kill()
        child.wait()


def unfinished(table: Path) -> list[Path]:
    """Results that are being written."""
    return list(table.parent.glob(f".{table.name}{RESULT}.*"))


async def kept(url: str, office: str) -> tuple[int, int]:
    """People and tables of an office."""
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(
            "select (select count(*) from paper_person where office_id = o.id) as people, "
            "(select count(*) from paper_file where office_id = o.id) as tables from labor_office as o where name = $1",
            office,
        )
    finally:
        await connection.close()
    return row["people"], row["tables"]


def people_of(url: str, office: str) -> tuple[int, int]:
    return asyncio.run(kept(url, office))


def proof(bars: Bars, url: str, settings: Mapping[str, str], folder: Path, rows: int) -> None:
    tables = {number: folder / f"{number}.csv" for number in (FEW, rows)}
    for number, path in tables.items():
        write_table(path, number)
    for office in OFFICES:
        run([sys.executable, "-m", "service", "waiting-room", "office", "add", office], settings)
    few = run(importing(OFFICES[0], tables[FEW]), settings)
    many = run(importing(OFFICES[0], tables[rows]), settings)
    taken = many.told["added"] + many.told["unchanged"]
    bars.judge(taken == rows and people_of(url, OFFICES[0]) == (rows, 2), f"{taken:,} of {rows:,} rows are taken")
    print(f"        in {many.seconds:.0f} s, {rows / many.seconds:,.0f} a second", flush=True)
    text = f"with {many.mib:.0f} MiB, where ten thousand rows need {few.mib:.0f}"
    bars.judge(many.mib <= few.mib + MORE_MIB, f"{text} (at most {MORE_MIB} more)")
    holder = run([sys.executable, "-c", HOLDER, str(tables[rows])], settings)
    bars.judge(holder.mib > few.mib + MORE_MIB, f"control: who holds all rows needs {holder.mib:.0f} MiB")
    again = run(importing(OFFICES[0], tables[rows]), settings)
    bars.judge(again.told["unchanged"] == rows, f"sent again, {again.told['unchanged']:,} rows are unchanged")
    result = tables[rows].with_name(tables[rows].name + RESULT)
    size = result.stat().st_size
    result.unlink()
    killed_in_the_middle(OFFICES[1], tables[rows], settings, size)
    left = people_of(url, OFFICES[1])
    bars.judge(left == (0, 0) and not result.exists(), f"killed in its middle, an import leaves {left[0]} people")
    for path in unfinished(tables[rows]):
        path.unlink()
    after = run(importing(OFFICES[1], tables[rows]), settings)
    bars.judge(after.told["added"] == rows, f"afterwards {after.told['added']:,} are taken")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=paper", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the table (%(default)s)")
    options = parser.parse_args()
    bars = Bars()
    try:
        with stack() as server:
            url = server.database("paper")
            asyncio.run(migrate_url(url))
            settings = server.settings("paper", url, "http://127.0.0.1:9")
            proof(bars, url, settings, server.folder, options.rows)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except Invalid as reason:
        print(f"INVALID: {reason}", file=sys.stderr, flush=True)
        return Exit.INVALID
    return bars.exit_code()


if __name__ == "__main__":
    sys.exit(main())
