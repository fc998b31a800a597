"""One core for web process, database, workers and gatekeeper: who waits for whom, and that no work is lost."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from scenarios.fates import Reason
from scenarios.faults import Fault
from scenarios.journey_state import Action
from scenarios.journey_state import Result as Told
from scenarios.simulation import invariants, shared_core, world
from scenarios.simulation.costs import Costs, Resources
from scenarios.simulation.figures import NotSimulated
from tests.unit.simulated_nights import answers, night_of, played, reasons, setup_of

COSTS = Costs(
    gate_s={Action.TICKET: 0.0002},
    job_worker_s={"email": 0.0003, "photo": 0.001},
    job_database_s={"email": 0.002, "photo": 0.002},
    idle={"web": 0.02, "database": 0.03},
    pause_s=0.003,
)
ONE_CORE = Resources(shared_core=True)


def core(idle: dict[str, float] | None = None, behind_share: float = 0.25) -> Any:
    around = world.made(1, 1, 1, 1.0)
    shared_core.put_together(around, Costs(idle=idle or {}, behind_share=behind_share))
    return around.view(np.recarray)[0]


def test_the_line_is_lindleys() -> None:
    """What somebody waits who comes after `gap` is what the one before waited and needed, less the gap."""
    one = core(idle={"web": 0.1, "gatekeeper": 0.1})
    drawn = np.random.default_rng(1)
    now, waits = 0, 0.0
    for gap, work in zip(drawn.integers(1, 4000, 500), drawn.exponential(1500.0, 500), strict=True):
        now += int(gap)
        waits = max(waits - gap, 0.0)
        assert shared_core.takes_us(one, now, 0.0) == pytest.approx(waits, abs=1e-3)
        shared_core.work(one, shared_core.WEB_ROLE, now, float(work))
        waits += work / 0.8
    assert one.role_us[shared_core.WEB_ROLE] == pytest.approx(
        now * 0.8 - one.core_idle_us + one.front_us + one.behind_us
    )


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5])
def test_front_and_behind_share_the_core_as_step_by_step(share: float) -> None:
    """Against a core that hands out each microsecond, one after the other."""
    one = core(behind_share=share)
    drawn = np.random.default_rng(2)
    front = behind = 0.0
    now = 0
    for gap in drawn.integers(1, 300, 200).tolist():
        for _ in range(gap):
            part = share if front > 0.0 else 1.0
            part = 0.0 if behind <= 0.0 else part
            behind = max(behind - part, 0.0)
            front = max(front - (1.0 - part), 0.0)
        now += gap
        shared_core.catch_up(one, now)
        assert (one.front_us, one.behind_us) == (pytest.approx(front, abs=3.0), pytest.approx(behind, abs=3.0))
        front, behind = float(one.front_us), float(one.behind_us)
        if drawn.random() < 0.5:
            shared_core.work(one, shared_core.DATABASE_ROLE, now, 90.0)
            front += 90.0
        else:
            one.behind_us += 60.0
            one.role_us[shared_core.WORKER_ROLE] += 60.0
            behind += 60.0


def test_a_request_is_told_exactly_when_it_is_done_if_nobody_comes_after_it() -> None:
    """Behind it lies less than its own share's time, and more: both branches of the formula."""
    for behind in (50.0, 5000.0):
        one = core()
        one.behind_us = behind
        takes = shared_core.takes_us(one, 0, 900.0)
        shared_core.work(one, shared_core.WEB_ROLE, 0, 900.0)
        shared_core.catch_up(one, round(takes) - 1)
        assert one.front_us > 0.0
        shared_core.catch_up(one, round(takes) + 1)
        assert one.front_us == 0.0
        assert one.behind_us == pytest.approx(max(behind - takes * 0.25, 0.0), abs=2.0)


def test_a_core_that_becomes_slower_takes_longer_for_what_is_left_and_keeps_its_books() -> None:
    """1.5 ms in front and 3 ms behind: 1 ms at full speed, the rest at half of it, and then nothing to do."""
    one = core(behind_share=0.5)
    shared_core.work(one, shared_core.WEB_ROLE, 0, 1500.0)
    shared_core.work_behind(one, shared_core.WORKER_ROLE, 0, 3000.0)
    shared_core.go_on(one, 1000, 0.5)
    assert (one.front_us, one.behind_us) == (1000.0, 2500.0)
    assert shared_core.takes_us(one, 1000, 0.0) == pytest.approx(4000.0)
    shared_core.catch_up(one, 9000)
    assert (one.front_us, one.behind_us, one.core_idle_us) == (0.0, 0.0, 500.0)
    assert one.core_given_us - one.core_idle_us == one.role_us.sum() == 4500.0
    with pytest.raises(ValueError, match="nothing of the core is left"):
        shared_core.go_on(one, 9000, 0.0)


def test_a_core_that_idles_itself_away_is_refused() -> None:
    with pytest.raises(ValueError, match="one core"):
        core(idle={"web": 0.6, "worker": 0.4})


def test_a_night_on_one_core_keeps_the_laws_and_every_role_works() -> None:
    result = played(setup_of(night_of(), ONE_CORE, COSTS), 12)
    assert invariants.violations(result) == []
    assert all(used > 0.0 for used in result.world["role_us"][0])
    assert not result.world["served"].any(), "nothing goes through lines of their own"


def test_work_that_is_lost_breaks_the_law() -> None:
    result = played(setup_of(night_of(), ONE_CORE, COSTS)._replace(steps=2), 5)
    result.world["role_us"][0, shared_core.WEB_ROLE] += 5000.0
    assert any("shared core" in each for each in invariants.violations(result))


def test_people_who_share_a_slower_core_wait_longer_and_are_turned_away() -> None:
    def turned_away(times: float) -> int:
        costs = replace(COSTS, request_web_s=COSTS.request_web_s * times)
        return int(played(setup_of(night_of(), ONE_CORE, costs)._replace(steps=6), 25).world["turned_away"].sum())

    assert turned_away(1.0) == 0
    assert turned_away(400.0) > 0


def test_a_database_that_stands_still_holds_everybody_up() -> None:
    """A minute in which everybody asks, and nobody is served but by the inspectors."""
    still = night_of(faults=(Fault("stopped", "database", 10.0, 70.0),))
    held, sound = (played(setup_of(night, ONE_CORE, COSTS)._replace(steps=6), 25) for night in (still, night_of()))
    assert invariants.violations(held) == []
    assert held.world["turned_away"].sum() > sound.world["turned_away"].sum()


def test_people_leave_after_so_many_answers() -> None:
    setup = setup_of(night_of())._replace(steps=4)
    result = played(setup, 20)
    assert invariants.violations(result) == []
    assert reasons(result)[Reason.STEPS_DONE] >= 18
    assert answers(result, Action.SESSION, Told.OK) == 0
    assert answers(played(setup._replace(steps=0), 20), Action.SESSION, Told.OK) > 15


def test_people_who_send_photos_cannot_leave_by_counting() -> None:
    with pytest.raises(NotSimulated, match="9 answers"):
        played(setup_of(night_of())._replace(steps=10), 5)


def test_the_event_loop_comes_late_to_what_is_asked_by_a_part_of_what_stands_before_it() -> None:
    """Not by what waits at the door, and not by a database that stands still."""
    one = core()
    assert shared_core.unseen_us(one, 0) == 0
    shared_core.work(one, shared_core.DATABASE_ROLE, 0, 10_000.0)
    assert shared_core.unseen_us(one, 0) == pytest.approx(10_000 * shared_core.UNSEEN, abs=1)
    one.inside, one.in_line[2] = 8, 4
    assert shared_core.unseen_us(one, 0) == pytest.approx(5_000 * shared_core.UNSEEN, abs=1)
    shared_core.stall(one, 50_000)
    assert shared_core.unseen_us(one, 0) == 0


def test_nobody_is_seen_and_nothing_gets_on_while_the_event_loop_is_held() -> None:
    one = core(idle={"web": 0.5})
    shared_core.hold_loop(one, 1000, 4000.0)
    assert [shared_core.unseen_us(one, at) for at in (1000, 5000, 9000)] == [8000, 4000, 0]
    shared_core.work(one, shared_core.WEB_ROLE, 5000, 1000.0)
    assert shared_core.takes_us(one, 5000, 0.0) == pytest.approx(4000 + 2000)
    shared_core.catch_up(one, 9000)
    assert (one.front_us, one.behind_us) == pytest.approx((1000.0, 0.0))
