"""The list of all planned people on the master, filled from the rosters of the workers."""

import numpy as np
import pytest

from loadtests.book import Book
from loadtests.roster import Roster
from scenarios.arrivals import SHARDS
from scenarios.fates import Fate, Reason
from scenarios.record import PEOPLE_COLUMNS, read_people, write_people

PEOPLE = 2 * SHARDS + 3
DUE = np.linspace(0.0, 9.0, PEOPLE)
EVEN, ODD = range(0, SHARDS, 2), range(1, SHARDS, 2)


def roster_of(shards: range) -> Roster:
    numbers = np.flatnonzero(np.isin(np.arange(PEOPLE) % SHARDS, shards))
    return Roster(DUE[numbers], numbers)


def tell(book: Book, roster: Roster, shards: range) -> None:
    book.take(*roster.parcel(), shards)


def test_everybody_has_one_row_and_parcels_fill_it(tmp_path):
    """Two workers tell in instalments; who never starts is cut; the record is in the order of the plan."""
    book, even, odd = Book(DUE), roster_of(EVEN), roster_of(ODD)
    even.start(0, started=DUE[0] + 0.002, province=3, channel=1)
    odd.start(0, started=DUE[1] + 0.004)
    tell(book, even, EVEN)
    assert (book.started, book.ended, book.left) == (1, 0, PEOPLE)
    even.end(0, Fate.JOINED, Reason.JOINED, 5.0)
    tell(book, even, EVEN)
    tell(book, odd, ODD)
    tell(book, odd, ODD)
    assert (book.started, book.ended, book.left) == (2, 1, PEOPLE - 1)
    write_people(tmp_path, book.columns)
    people = read_people(tmp_path)
    assert set(people) == set(PEOPLE_COLUMNS)
    np.testing.assert_array_equal(people["number"], np.arange(PEOPLE))
    np.testing.assert_array_equal(people["due"], DUE)
    assert (people["province"][0], people["ended"][0], people["fate"][1]) == (3, 5.0, Fate.CUT)
    assert book.fates == {"joined": 1, "refused": 0, "abandoned": 0, "failed": 0, "cut": PEOPLE - 1}
    assert book.was_cut
    # Of those who started, not between two of them: the report's figures are the same.
    assert {name: round(value, 2) for name, value in book.lateness_ms.items()} == {"p50": 2.0, "p99": 4.0, "max": 4.0}


def test_without_any_news_everybody_is_cut():
    book = Book(DUE)
    assert book.fates["cut"] == PEOPLE
    assert book.lateness_ms == {}


def test_a_lost_worker_leaves_its_people_cut_and_the_rest_to_others():
    """Ended people stay, those on their way are cut, and each shard goes on behind the last who started."""
    book, lost, taker = Book(DUE), roster_of(EVEN), roster_of(ODD)
    for row in range(SHARDS // 2 + 4):  # the first of each even shard, and the second of shards 0, 2, 4 and 6
        lost.start(row, started=1.0)
    lost.end(0, Fate.JOINED, Reason.JOINED, 2.0)
    tell(book, lost, EVEN)
    unstarted_due = DUE[SHARDS + 8 : 2 * SHARDS : 2]
    assert book.overdue(EVEN, float(unstarted_due[2])) == 3
    assert book.give_up(EVEN, 3.0) == SHARDS // 2 + 3
    assert book.give_up(EVEN, 3.0) == 0
    rows = book.unstarted(EVEN)
    assert [rows[shard] for shard in (0, 2, 4, 6, 8, 10, 238)] == [2, 2, 2, 2, 1, 1, 1]
    people = book.columns
    assert (people["fate"][0], people["reason"][2], people["ended"][2]) == (Fate.JOINED, Reason.WORKER_LOST, 3.0)
    assert people["reason"][SHARDS + 8] == Reason.RUN_ENDED
    # What still comes from the lost one is of shards that it no longer holds.
    lost.end(1, Fate.JOINED, Reason.JOINED, 3.5)
    tell(book, lost, range(0))
    assert people["fate"][2] == Fate.CUT
    first = taker.extend(DUE[[SHARDS + 8]], np.array([SHARDS + 8]))
    taker.columns["taken_over"][first] = True
    taker.start(first, started=9.0)
    taker.end(first, Fate.FAILED, Reason.ERRORS, 9.5)
    book.take(*taker.parcel(), range(SHARDS))
    assert (people["fate"][SHARDS + 8], people["started"][SHARDS + 8], book.taken_over) == (Fate.FAILED, 9.0, 1)
    assert book.lateness_ms["max"] == pytest.approx((1.0 - DUE[0]) * 1000)


def test_an_end_that_is_told_twice_counts_once():
    book, roster = Book(DUE), roster_of(EVEN)
    roster.start(0, started=1.0)
    for _ in range(2):
        roster.end(0, Fate.JOINED, Reason.JOINED, 2.0)
    tell(book, roster, EVEN)
    assert book.left == PEOPLE - 1
