"""G2: is the draw of early comers fair, can everybody recompute it, and is a changed record refused?"""

import hashlib
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from service.domain import lottery, lottery_record
from service.domain.lottery_record import Header, member_line
from tests.acceptance.long.room_goals import Figures, Finding, Invalid, Run

GOALS = ("G2",)
SEEDS = QUICK = 1

DRAWS, PEOPLE, QUICK_PEOPLE = 100, 20_000, 3_000
TENTHS = 10
RECORD, QUICK_RECORD = 1_400_000, 50_000
VERIFIED_WITHIN = 60.0
LEAST_P = 0.01


def p_value(places: np.ndarray[Any, Any]) -> float:
    """Of the hypothesis that a place has nothing to do with when one came, by tenths of both.

    places: 1..n in order of arrival. Any permutation fills the tenths of places evenly: only the table of both tells.
    """
    count = len(places)
    came = np.arange(count) * TENTHS // count
    stands = (places - 1) * TENTHS // count
    table = np.bincount(came * TENTHS + stands, minlength=TENTHS * TENTHS).reshape(TENTHS, TENTHS)
    expected = count / TENTHS**2
    return float(stats.chi2.sf(((table - expected) ** 2 / expected).sum(), (TENTHS - 1) ** 2))


def drawn(seed: bytes, count: int) -> np.ndarray[Any, Any]:
    digest = hashlib.sha256(b"who came" + seed).digest()
    return np.fromiter(lottery.places(count, *lottery.shuffle_key(seed, digest, count)), np.int64, count)


def turned(seed: bytes, count: int) -> np.ndarray[Any, Any]:
    """A control: a secret start, and then the order in which people came."""
    return (np.arange(count) + int.from_bytes(seed[:6], "big")) % count + 1


def fairness(draw: Callable[[bytes, int], np.ndarray[Any, Any]], seed: int, count: int) -> dict[str, float]:
    """p of all draws together, and of their p values being as even as those of chance are."""
    given = random.Random(seed)
    values = [p_value(draw(given.randbytes(32), count)) for _ in range(DRAWS)]
    return {
        "together": float(stats.combine_pvalues(np.clip(values, 1e-300, 1.0)).pvalue),
        "even": float(stats.kstest(values, "uniform").pvalue),
        "least": min(values),
    }


def record(count: int, path: Path) -> None:
    """A published record of so many early comers."""
    seed = hashlib.sha256(b"seed").digest()
    digest = lottery.CohortDigest()
    for number in range(1, count + 1):
        digest.add(number, binding(number))
    at = datetime(2020, 4, 11, 12, tzinfo=UTC).isoformat()
    header = Header(
        epoch=1,
        base=0,
        cohort=count,
        commitment=lottery.commitment_of(seed).hex(),
        committed_at=at,
        opens_at=at,
        opened_at=at,
        seed=seed.hex(),
        cohort_digest=digest.value().hex(),
    )
    places = lottery.places(count, *lottery.shuffle_key(seed, digest.value(), count))
    with path.open("w") as file:
        file.write(header.line() + "\n")
        for number, place in enumerate(places, start=1):
            file.write(member_line(number, place, binding(number)) + "\n")


def binding(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()[:16]


def changed(lines: list[str], draw: random.Random) -> Iterator[tuple[str, list[str]]]:
    """Records that somebody has had a hand in."""
    some = draw.randrange(1, len(lines) - 1)
    number, place, bound = lines[some].split()
    other_number, other_place, _ = lines[some + 1].split()
    header = lines[0]
    seed = header.index('"seed": "') + len('"seed": "')
    digit = "1" if header[seed] == "0" else "0"
    yield "another seed", [header[:seed] + digit + header[seed + 1 :], *lines[1:]]
    yield "another holder", [*lines[:some], f"{number} {place} {'0' * len(bound)}", *lines[some + 1 :]]
    yield "somebody left out", [*lines[:some], *lines[some + 1 :]]
    swapped = [f"{number} {other_place} {bound}", f"{other_number} {place} {lines[some + 1].split()[2]}"]
    yield "two places exchanged", [*lines[:some], *swapped, *lines[some + 2 :]]


def measure(seed: int, run: Run) -> Figures:
    people = QUICK_PEOPLE if run.quick else PEOPLE
    fair, unfair = fairness(drawn, seed, people), fairness(turned, seed, people)
    if unfair["together"] > LEAST_P:
        raise Invalid(f"the control, a turned line, looks fair: {unfair}")
    path = run.folder / "draw.txt"
    record(QUICK_RECORD if run.quick else RECORD, path)
    began = time.process_time()
    with path.open() as file:
        verdict = lottery_record.verify(file)
    took = time.process_time() - began
    small = run.folder / "small-draw.txt"
    record(2000, small)
    lines = small.read_text().splitlines()
    if lottery_record.verify(lines).faults:
        raise Invalid("the record is refused before it is changed")
    accepted = [name for name, of in changed(lines, random.Random(seed)) if not lottery_record.verify(of).faults]
    path.unlink()
    return {"fair": fair, "unfair": unfair, "tickets": verdict.tickets, "faults": verdict.faults, "took_s": took,
            "accepted": accepted}  # fmt: skip


def judge(figures: list[Figures]) -> list[Finding]:
    (one,) = figures
    fair = one["fair"]
    text = (
        f"place by arrival over {DRAWS} draws: p = {fair['together']:.2f} of all together, {fair['even']:.2f} of their "
    )
    text += f"spread (above {LEAST_P}) [control, a turned line: {one['unfair']['together']:.1g}]"
    found = [Finding("G2", min(fair["together"], fair["even"]) > LEAST_P, text)]
    right = not one["faults"] and one["took_s"] <= VERIFIED_WITHIN
    text = f"{one['tickets']:,} places recomputed in {one['took_s']:.0f} s of CPU ({VERIFIED_WITHIN:.0f})"
    found.append(Finding("G2", right, text))
    text = f"{len(one['accepted'])} of 4 changed records accepted (0)"
    return [*found, Finding("G2", not one["accepted"], text)]
