"""The draw of wave 1 at full size: 2,078,026 tickets, 200,000 grants, 34 provinces, a priority list.

`draw.total_s`: freeze, draw and publish. `draw.vs_hash_and_sort`: the same beside hashing each ticket once and sorting
the digests, which is the least that a draw by score can cost. Both checkers then recompute the last draw.
"""

import sys
import tempfile
import time
from binascii import unhexlify
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from subprocess import run as run_program

from service.domain.grants import Quotas, line_of
from service.domain.regions import PROVINCES
from service.draw_folder import Beacon, DrawFolder
from tests.benchmarks.rows import Row, alone, paired

TICKETS, SEATS, ON_LIST = 2_078_026, 200_000, 0.2
QUOTAS = Quotas(SEATS, {52: 50_229 // 4, 91: 1_000})
RUNS = 5
NOW = datetime(2020, 4, 17, tzinfo=UTC)
BEACON = Beacon("drand quicknet", "7890123", (NOW + timedelta(hours=1)).isoformat(), "three dice")
CHECKS = {"python": [sys.executable, "check_draw.py"], "perl": ["perl", "check_draw.pl"]}


def rows() -> Iterator[Row]:
    draw = Random(1)
    provinces = list(PROVINCES)
    people = [
        line_of(draw.randbytes(16), draw.choice(provinces), priority=draw.random() < ON_LIST) for _ in range(TICKETS)
    ]
    totals, floors = [], []
    with tempfile.TemporaryDirectory() as place:
        for number in range(RUNS):
            floors.append(hash_and_sort(people))
            folder = Path(place) / str(number)
            totals.append(whole_draw(folder, people))
            print(f"run {number + 1} of {RUNS}: {totals[-1]:.1f} s, {floors[-1]:.1f} s alone", file=sys.stderr)
        yield alone("draw.total_s", "s", totals)
        yield paired("draw.vs_hash_and_sort", "s", totals, floors)
        for name, (program, script) in CHECKS.items():
            took = [checked(folder, program, script) for _ in range(RUNS)]
            yield alone(f"draw.check_{name}_s", "s", took)


def hash_and_sort(people: list[bytes]) -> float:
    began = time.perf_counter()
    seed = sha256(b"floor").digest()
    sorted(sha256(seed + unhexlify(line[:32])).digest() for line in people)
    return time.perf_counter() - began


def whole_draw(folder: Path, people: list[bytes]) -> float:
    began = time.perf_counter()
    DrawFolder(folder).freeze(1, people, QUOTAS, BEACON, NOW)
    DrawFolder(folder).run("b34c0n", "4 2 6", NOW + timedelta(hours=2))
    return time.perf_counter() - began


def checked(folder: Path, program: str, script: str) -> float:
    began = time.perf_counter()
    run_program([program, str(folder / script), str(folder)], check=True, stdout=sys.stderr)
    return time.perf_counter() - began
