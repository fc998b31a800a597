"""The proof of the waiting room can fail: its counting, its reference and its comparators on cases one can see."""

import random
import re
from pathlib import Path

import numpy as np
import pytest

from tests.acceptance.long import (
    room_counter,
    room_document,
    room_goals,
    room_millions,
    room_minutes,
    room_visitors,
    waiting_room,
)
from tests.acceptance.long.room_gate import trial, wrong
from tests.acceptance.long.room_goals import Finding
from tests.acceptance.long.room_model import Reference
from tests.acceptance.long.room_people import People, arrivals, staying
from tests.acceptance.long.room_tables import Faults
from tests.acceptance.long.room_windows import most_in_window, overtaken_by, share_used


def naive_most(instants, seconds):
    return max((sum(start <= other < start + seconds for other in instants) for start in instants), default=0)


def test_windows_are_counted_exactly():
    """As many as by looking at every interval that begins at an instant; an interval is open at its end."""
    draw = random.Random(1)
    for _ in range(50):
        instants = [draw.randrange(200) / 10 for _ in range(draw.randrange(0, 60))]
        assert most_in_window(instants, 1.0) == naive_most(instants, 1.0)
    assert most_in_window([0.0, 1.0, 1.5], 1.0) == 2
    assert share_used([0.0, 0.5, 1.0, 9.0], 0.0, 2.0, 2.0) == 0.75


def test_who_was_overtaken_and_by_how_much():
    """Person 0 came first and went in last: somebody who came 9 s later was quicker. Ties overtake nobody."""
    assert overtaken_by([0.0, 5.0, 9.0], [30.0, 10.0, 20.0]).tolist() == [9.0, 0.0, 0.0]
    assert overtaken_by([0.0, 5.0], [10.0, 10.0]).tolist() == [0.0, 0.0]


def test_the_reference_knows_who_is_next():
    """By place, of those who promised to ask again, as many as are allowed; whoever is inside stays so."""
    reference = Reference()
    for number, place, until_ms in ((1, 30, 1000), (2, 10, 1000), (3, 20, 40), (4, 5, 1000)):
        assert reference.claimed(number, place, until_ms)
    reference.granted(50, 2)
    assert reference.expected() == [4, 2]
    reference.admitted([4, 2], 10_000)
    assert not reference.claimed(4, 5, 2000)
    assert (reference.inversions, reference.doubled, reference.excess) == (0, 0, 0)
    reference.granted(60, 1)
    reference.admitted([3, 1], 10_000)
    assert (reference.inversions, reference.excess) == (2, 1)


@pytest.mark.parametrize(
    ("faults", "found"),
    [
        (Faults(), set()),
        (Faults(no_limit=True), {"inversions"}),
        (Faults(no_order=True), {"inversions"}),
    ],
    ids=["as it is", "no limit", "no order"],
)
def test_the_trial_of_the_gate_finds_what_is_wrong(faults, found):
    """Nothing with the service as it is, and what is missing with one protection off."""
    seen = wrong(trial(30.0, 1, 12_000, faults))
    assert {what for what, count in seen.items() if count} >= found
    assert found or not any(seen.values())


def test_people_before_our_room_come_in_by_their_numbers():
    """More come than may go in: nobody is forgotten, the limit holds, and nobody is overtaken by more than a poll."""
    draw = random.Random(1)
    people = staying(arrivals(8.0, 40.0, draw))
    played = room_visitors.play(people, 4.0, draw, 300.0)
    assert not np.isnan(played.admitted).any()
    assert most_in_window(played.admitted, 60.0) <= 240
    assert overtaken_by(people.came, played.admitted).max() < 15.0


def test_groups_of_a_minute_wait_for_the_silent():
    """Somebody of the first minute never comes back to the page: the second group waits five minutes for them."""
    came = np.concatenate([np.linspace(0.0, 30.0, 60), [70.0]])
    people = People(came, np.full(61, np.inf), np.full(61, np.inf))
    swift = room_minutes.play(people, 0.5, random.Random(1), 2000.0).admitted
    one = int(np.flatnonzero(swift[:60] > came[:60] + 5.0)[-1])
    silent = People(came, np.where(np.arange(61) == one, came + 1.0, np.inf), people.back)
    slow = room_minutes.play(silent, 0.5, random.Random(1), 2000.0).admitted
    assert swift[60] < 200.0
    assert slow[60] > came[one] + room_minutes.SILENT


def test_a_serving_number_lets_a_minutes_worth_in_at_once():
    """Everybody whose number is reached goes in within a poll and the age of the cache."""
    people = staying(np.linspace(0.0, 10.0, 240))
    admitted = room_counter.play(people, 1.0, random.Random(1), 400.0).admitted
    assert most_in_window(admitted, room_counter.POLL + room_counter.CACHED) >= 60
    assert share_used(admitted, 0.0, 240.0, 1.0) == 1.0


def test_every_goal_has_a_proof_or_a_reason():
    """Read, not imported: some of the proofs need half the project."""
    told: dict[str, set[str]] = {}
    for name in (*waiting_room.proofs(), *room_millions.PARTS):
        text = (Path(waiting_room.__file__).parent / f"{name}.py").read_text()
        assert "\ndef measure(" in text, name
        assert name in room_millions.PARTS or re.search(r"^SEEDS(, | = )QUICK = ", text, re.M), name
        (goals,) = re.findall(r"^GOALS = \((.+)\)$", text, re.M)
        told[name] = set(re.findall(r"G\d+", goals))
    assert set().union(*told.values(), room_goals.NOT_BUILT) == set(room_goals.GOALS)
    assert set(room_goals.ELSEWHERE) <= set().union(*(told[name] for name in room_millions.PARTS))


def test_the_document_takes_what_was_found():
    """Between its marks, and nothing else of it."""
    text = "a\n<!-- the table -->\nold\n<!-- end of the table -->\nb"
    assert room_document.between(text, "the table", "new\n") == text.replace("old", "new")
    found = {"used": 0.5, "most_60s": 24, "most_1s": 3, "overtaken_most_s": 7.0, "slower": 0.1, "polls": 4.0}
    row = room_document.comparison([{"ours": found, "limit_60s": 12, "limit_1s": 2}], {"ours": "our room"})
    assert row.endswith("| our room | 50.0% | 200% of its limit | 150% of its limit | 7 s | +10.0% | 4 |")


def test_a_missed_bar_fails_its_goal():
    """One bar that is missed is enough, and a proof that proves nothing is no pass."""
    findings = [Finding("G1", True, "good"), Finding("G1", False, "bad"), Finding("G3", True, "good")]
    rows = {row.goal: row for row in room_goals.rows(findings, {"G3": ["nothing bit"], "G5": ["crashed"]})}
    assert (rows["G1"].verdict, rows["G3"].verdict, rows["G5"].verdict) == ("fail", "invalid", "invalid")
    assert [rows[goal].verdict for goal in ("G10", "G15", "G2")] == ["elsewhere", "not built", "not run"]
    assert "| G1 order | fail | good; MISSED: bad |" in room_goals.table(list(rows.values()))
