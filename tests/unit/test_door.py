"""The door as a machine: who enters, who waits, who is told what; places are never lost."""

import random
from math import inf

import pytest

from service.domain import overload as rules
from service.domain.door import Door, Entry, Turn
from service.domain.overload import Progress

KINDS = ("page", "step")


class Crowd:
    """A door and what it told everybody."""

    def __init__(self) -> None:
        self.door = Door(KINDS, 0.0)
        self.told: dict[str, Turn] = {}

    def fill(self, kind: str = "step") -> None:
        while self.door.enter_nowait(kind, Progress.CONTINUING):
            pass

    def wait(
        self,
        name: str,
        now: float = 0.0,
        *,
        kind: str = "step",
        rank: Progress = Progress.CONTINUING,
        place: float = 0.5,
        until: float = inf,
    ) -> Entry:
        entry = Entry(kind, rank, place, now, until, lambda turn: self.told.update({name: turn}))
        self.door.wait(entry)
        return entry


@pytest.fixture
def crowd() -> Crowd:
    """The house is full of steps: four."""
    crowd = Crowd()
    crowd.fill()
    return crowd


def test_a_burst_is_served_in_the_order_in_which_it_came(crowd):
    crowd.wait("first", 0.00)
    crowd.wait("second", 0.01)
    crowd.door.leave("step", 0.02)
    assert crowd.told == {"first": Turn.ENTER}


def test_who_has_come_further_goes_first(crowd):
    crowd.wait("looks around", rank=Progress.BROWSING)
    crowd.wait("signs in", rank=Progress.ENTERING)
    crowd.wait("joins", 0.01, rank=Progress.FINISHING)
    for _ in range(2):
        crowd.door.leave("step", 0.02)
    assert crowd.told == {"joins": Turn.ENTER, "signs in": Turn.ENTER}


def test_a_late_line_is_served_newest_first_and_judged_by_five_milliseconds(crowd):
    """0.1 s after somebody began to wait it is no burst any more: those who waited 5 ms are told, the newest enters."""
    crowd.wait("oldest", 0.0)
    for number in range(1, 12):
        crowd.wait(f"at {number}", number * 0.01)
    crowd.wait("newest", 0.112)
    crowd.door.leave("step", 0.113)
    assert crowd.told.pop("newest") is Turn.ENTER
    assert crowd.told.pop("oldest") is Turn.LATE
    assert set(crowd.told.values()) == {Turn.LATE} and "at 11" not in crowd.told
    crowd.door.expire(0.1151)
    assert crowd.told["at 11"] is Turn.LATE and crowd.door.waiting == 0


def test_a_short_line_waits_a_tenth_of_a_second(crowd):
    crowd.wait("patient", 0.0)
    crowd.door.expire(0.099)
    assert not crowd.told
    crowd.door.expire(0.1)
    assert crowd.told == {"patient": Turn.LATE}


def test_whose_asker_has_left_is_never_begun(crowd):
    """By the deadline the request carries, whether it is noticed at the next turn or before; or when told so."""
    crowd.wait("deadline passed", 0.0, until=0.02)
    gone = crowd.wait("gone", 0.01)
    crowd.wait("there", 0.01)
    crowd.door.give_up(gone)
    crowd.door.leave("step", 0.03)
    assert crowd.told["deadline passed"] is Turn.LATE and crowd.told["there"] is Turn.ENTER
    crowd.wait("swept", 0.04, until=0.05)
    crowd.door.expire(0.06)
    assert crowd.told["swept"] is Turn.LATE
    assert crowd.door.house.in_flight == 4


def test_a_class_at_its_limit_does_not_hold_up_the_others():
    """Steps are slow and many; pages enter beside them, past a step that waits longer and ranks higher."""
    crowd = Crowd()
    crowd.door.house.value = 8.0
    crowd.fill("step")
    assert crowd.door.limits["step"].in_flight == 4
    crowd.wait("step", rank=Progress.FINISHING)
    assert crowd.door.enter_nowait("page", Progress.CONTINUING)
    crowd.fill("page")
    crowd.wait("page", rank=Progress.BROWSING, kind="page")
    crowd.door.leave("page", 0.01)
    assert crowd.told == {"page": Turn.ENTER}


def test_the_line_is_bounded_and_the_lowest_rank_makes_room(crowd):
    for number in range(rules.MOST_WAITING):
        crowd.wait(f"browser {number}", rank=Progress.BROWSING)
    crowd.wait("one more", rank=Progress.BROWSING)
    crowd.wait("joins", rank=Progress.FINISHING)
    assert crowd.told == {"one more": Turn.FULL, "browser 0": Turn.FULL}
    assert crowd.door.waiting == rules.MOST_WAITING


def test_the_same_people_stay_out(crowd):
    """After windows in which some were turned away, those who stand last are told at once; later all may wait."""
    for window in range(20):
        now = window * 1.1
        crowd.wait(f"late {window}", now, place=0.0)
        crowd.door.expire(now + 1.05)
    assert crowd.door.share_of(Progress.CONTINUING) == pytest.approx(rules.SHARE_FALLS**20)
    crowd.wait("stands last", 22.0, place=0.9)
    crowd.wait("stands first", 22.0, place=0.1)
    assert crowd.told["stands last"] is Turn.LAST and "stands first" not in crowd.told
    crowd.door.leave("step", 22.01)
    for window in range(70):
        crowd.door.expire(23.0 + window * 1.1)
    assert crowd.door.share_of(Progress.CONTINUING) == 1.0


def test_the_last_place_is_for_those_who_have_come_further(crowd):
    """For half a second after one of them was turned away, and for nobody after that."""
    crowd.wait("signed in, turned away", 0.0)
    crowd.door.expire(1.05)
    crowd.door.leave("step", 1.06)
    crowd.wait("looks around", 1.07, rank=Progress.BROWSING, place=0.0)
    crowd.wait("signed in", 1.07)
    assert crowd.told == {"signed in, turned away": Turn.LATE, "signed in": Turn.ENTER}
    crowd.door.leave("step", 1.08)
    assert "looks around" not in crowd.told
    crowd.door.leave("step", 1.09)
    assert crowd.told["looks around"] is Turn.ENTER
    for window in range(rules.BARRED_WINDOWS + 1):
        crowd.door.expire(3.0 + window * 1.1)
    assert crowd.door.enter_nowait("step", Progress.BROWSING) and crowd.door.house.in_flight == 4


def test_a_process_that_stood_still_lets_those_wait_who_have_much_to_lose(crowd):
    crowd.door.stall(10.0, 2.0)
    crowd.wait("looks around", 10.1, rank=Progress.BROWSING)
    crowd.wait("uploads", 10.1, rank=Progress.FINISHING)
    assert crowd.told == {"looks around": Turn.STALLED}
    crowd.door.leave("step", 10.11)
    assert crowd.told["uploads"] is Turn.ENTER
    crowd.wait("later", 12.01, rank=Progress.BROWSING)
    assert "later" not in crowd.told


def test_a_jitter_of_the_loop_is_no_stall(crowd):
    crowd.door.stall(10.0, rules.LAG_LIMIT_S / 2)
    crowd.wait("looks around", 10.01, rank=Progress.BROWSING)
    assert not crowd.told


def test_a_dearer_mix_is_no_overload():
    """Cheap answers give way to answers of another endpoint that take ten times as long: the limit stays."""
    door = Door(KINDS, 0.0)
    now = 0.0

    def window(endpoint: str, took: float) -> None:
        nonlocal now
        for _ in range(20):
            while door.enter_nowait("step", Progress.CONTINUING):
                pass
            now += 0.006
            door.note("step", endpoint, now, took, quiet=True)
            door.leave("step", now)

    for _ in range(30):
        window("cheap", 0.002)
        window("dear", 0.02)
    before = door.house.value
    for _ in range(30):
        window("dear", 0.02)
    assert door.house.value > before
    for _ in range(30):
        for _ in range(20):
            door.note("step", "dear", now, 0.2, quiet=False)
        now += 0.11
        door.enter_nowait("step", Progress.CONTINUING)
        door.leave("step", now)
    assert door.house.value < before / 2  # the negative control: the same endpoint, slower, is one


def test_an_answer_of_a_second_lowers_the_limit():
    door = Door(KINDS, 0.0)
    door.house.value = door.limits["step"].value = 50.0
    door.enter_nowait("step", Progress.CONTINUING)
    door.note("step", "slow", 2.0, rules.DROP_AFTER_S, quiet=False)
    door.leave("step", 2.0)
    assert door.house.value == door.limits["step"].value == 45.0
    assert door.limits["page"].value == rules.LEAST


@pytest.mark.parametrize("seed", range(5))
def test_places_are_never_lost_and_everybody_is_told_once(seed):
    """20,000 random steps: in flight = entered and not left, within the limit but for what was lent and taken back."""
    rng = random.Random(seed)
    crowd = Crowd()
    door = crowd.door
    now, number = 0.0, 0
    inside: dict[str, str] = {}
    lent: dict[str, str] = {}
    waiting: dict[str, Entry] = {}
    told: list[str] = []

    for _ in range(20_000):
        now += rng.expovariate(500.0)
        draw = rng.random()
        kind = rng.choice(KINDS)
        if draw < 0.5:
            number += 1
            name = str(number)
            if door.enter_nowait(kind, Progress.CONTINUING):
                inside[name] = kind
            else:
                until = now + rng.choice((inf, 0.02))
                entry = Entry(kind, rng.choice(list(Progress)), rng.random(), now, until, lambda turn: None)

                def settle(turn: Turn, name: str = name, kind: str = kind) -> None:
                    told.append(name)
                    waiting.pop(name, None)
                    if turn is Turn.ENTER:
                        inside[name] = kind

                entry.settle = settle
                waiting[name] = entry
                door.wait(entry)
        elif draw < 0.8 and inside:
            name = rng.choice(list(inside))
            door.leave(inside.pop(name), now)
        elif draw < 0.85 and inside:
            name = rng.choice(list(inside))
            lent[name] = inside.pop(name)
            door.lend(lent[name])
        elif draw < 0.9 and lent:
            name = rng.choice(list(lent))
            inside[name] = lent.pop(name)
            door.take_back(inside[name])
        elif draw < 0.92 and waiting:
            door.give_up(waiting[rng.choice(list(waiting))])
        else:
            door.expire(now)
        assert door.house.in_flight == len(inside) == sum(limit.in_flight for limit in door.limits.values())
        assert door.waiting == len(waiting) <= rules.MOST_WAITING
    assert len(told) == len(set(told)) > 1000
