"""The slow loop in virtual time: a stage that binds is followed, a calm night is left alone, who cannot see holds."""

from typing import Any

import numpy as np
import pytest

from scenarios.simulation import invariants
from scenarios.simulation.calibrated import ROUTES
from scenarios.simulation.costs import Resources
from scenarios.simulation.figures import ANSWER, EMAIL, IDENTITY, KINDS, OTHER, STEP, UPLOAD, Setup
from scenarios.simulation.gate_tick import look
from scenarios.simulation.pacing import Pacer
from scenarios.simulation.run import Result, arrivals, prepared, simulate
from scenarios.simulation.stage_counts import AGO
from scenarios.simulation.stations import wait_us
from scenarios.simulation.world import TICK_US, WEB
from service.domain import overload
from service.web.middleware import route_class
from service.web.spent import route_of
from tests.unit.simulated_nights import night_of, played, scarce, setup_of

PEOPLE, FEW, SOON_S = 200, 20, 20.0
MOST = 6.0
"""People a second: the limit of the night, scaled."""
FOLLOWS, FIXED = Resources(), Resources(follows_stages=False)


def night(setup: Setup, people: int = PEOPLE) -> Result:
    """The first people, until soon after the last of them has come."""
    curve = setup.night.curve.reading(setup.night.curve.default)
    due_us = arrivals(setup.night, curve, setup.seed, setup.factors, people)
    return simulate(setup, due_us, plain=True, drain_s=SOON_S)


@pytest.fixture(scope="module")
def followed() -> Result:
    return night(scarce())


def test_the_gate_lets_in_what_the_tightest_stage_bears(followed: Result) -> None:
    """Codes wait, so the rate falls, and people stand in line instead; with a fixed rate nobody does."""
    fixed = night(scarce(FIXED))
    assert followed.paced.lowest_per_s < MOST / 2.0
    assert set(followed.paced.bound_s) == {"email"}
    assert followed.world["line_area_us"][0] > 4e7
    assert invariants.violations(followed) == []
    assert fixed.paced.looks == 0
    assert fixed.paced.lowest_per_s == MOST
    assert fixed.world["line_area_us"][0] < 4e6


def test_a_calm_night_is_left_alone() -> None:
    """Nobody looks, and nothing differs from a gate that keeps its rate."""
    calm = played(setup_of(night_of()), 10)
    assert calm.paced.looks == 0
    assert calm.digest() == played(setup_of(night_of(), FIXED), 10).digest()


def test_looks_that_were_left_out_in_calm_lose_nothing(followed: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that never rests chooses the same rates."""
    monkeypatch.setattr(Pacer, "_may_rest", lambda _self, _used: False)
    awake = night(scarce())
    assert awake.digest() == followed.digest()
    assert awake.paced.lowest_per_s == followed.paced.lowest_per_s


def test_without_a_waiting_room_there_is_no_loop() -> None:
    for resources in (FOLLOWS.unprotected(), Resources(waiting_room=False)):
        bare = night(scarce(resources), FEW)
        assert bare.paced.looks == 0


def test_classes_of_routes_are_those_of_the_service() -> None:
    """Each request of a step, of the test and of photos counts where the web role counts it."""
    paths = {
        "tickets": "/tickets", "place": "/place", "claims": "/claims", "accounts": "/accounts", "codes": "/codes",
        "sessions": "/sessions", "identity": "/identity", "profile": "/profile/personal", "me": "/me",
        "phone-verification": "/phone/verification", "assessment": "/assessment", "answers": "/assessment/answers/3",
        "submission": "/assessment/submission", "join": "/waves/1/join", "files-create": "/files/",
        "files-patch": "/files/1", "files-head": "/files/1",
    }  # fmt: skip
    methods = {"files-patch": "PATCH", "files-head": "HEAD"}
    kinds = {"step": STEP, "answer": ANSWER, "upload": UPLOAD}
    for action, route in ROUTES.items():
        assert route_of(methods.get(route, "POST"), paths[route]) == route
        assert KINDS.get(action, OTHER) == kinds.get(route_class(paths[route]), OTHER)


class Seconds:
    """A loop that is shown seconds which nobody played."""

    def __init__(self, setup: Setup) -> None:
        self.run, _ = prepared(setup, np.zeros(1, np.int64))
        self.world, self.pacer = self.run.world[0], Pacer(self.run, setup)
        self.at_s = 0

    def pass_by(self, seconds: int, *, waiting: int = 0, came: int = 5, full: int = 0) -> float:
        """So many seconds in which each of five people wants a code and one gets it; the rate at their end.

        full: so many a second are refused because the identity queue is full.
        """
        for _ in range(seconds):
            self.at_s += 1
            row, before = (self.run.seconds[(self.at_s - ago) % len(self.run.seconds)] for ago in (1, 2))
            row["at_us"] = self.at_s * 1_000_000
            row["admitted"], row["done"][STEP] = before["admitted"] + came, before["done"][STEP] + 10 * came
            row["ended"][EMAIL] = before["ended"][EMAIL] + came
            row["waiting"][EMAIL] = waiting
            row["full"][IDENTITY] = before["full"][IDENTITY] + full
            self.world["told"] = self.at_s
            if self.at_s % 5 == 0:
                self.pacer._look()
        return float(self.world["chosen_per_s"])


def test_a_full_queue_is_cut_for_by_its_own_name() -> None:
    """Refusals for want of room in it are none of the steps, to which people come ten times as fast."""
    looking = Seconds(scarce())
    assert looking.pass_by(60) == MOST
    assert looking.pass_by(20, full=3) < MOST
    assert looking.pacer._chosen.binding == "identity"


def test_a_loop_that_cannot_see_holds_its_rate() -> None:
    """While the database, or a worker, is away nothing is cut for a line that is long, and nothing is risen."""
    for gone in ("database_gone", "workers_down"):
        seen, blind = Seconds(scarce()), Seconds(scarce())
        for each in (seen, blind):
            assert each.pass_by(60) == MOST
        blind.run.parts[gone] = 1
        assert seen.pass_by(20, waiting=200) < MOST
        assert blind.pass_by(20, waiting=200) == MOST


def test_a_new_leader_goes_on_with_a_rate_that_a_stage_bounds() -> None:
    loop = Seconds(scarce())
    loop.pass_by(60)
    bound = loop.pass_by(20, waiting=200)
    loop.world["rate_per_s"] = bound
    before: Any = loop.pacer._loop
    loop.world["leaders"] = 1
    assert loop.pass_by(5, waiting=15) == pytest.approx(bound)
    assert loop.pacer._loop is not before


def test_a_loop_rests_only_where_a_look_would_change_nothing() -> None:
    """Not while the rate is used up or a stage is strained."""
    assert_rests(Seconds(scarce()), came=3, rests=True)
    assert_rests(Seconds(scarce()), came=6, rests=False)
    assert_rests(Seconds(scarce()), came=3, waiting=100, rests=False)


def assert_rests(loop: Seconds, *, rests: bool, **shown: int) -> None:
    loop.pass_by(60, **shown)
    assert bool(loop.world["loop_rests"]) is rests


def test_only_the_last_seconds_are_made_up_for() -> None:
    """The loop slept for longer than rows are kept: it goes on from the oldest of them."""
    loop = Seconds(scarce())
    loop.world["told"] = 0
    looked = loop.pacer.paced
    for _ in range(AGO + 500):
        loop.at_s += 1
        row = loop.run.seconds[(loop.at_s - 1) % len(loop.run.seconds)]
        row["at_us"] = loop.at_s * 1_000_000
    loop.world["told"] = loop.at_s
    loop.pacer._look()
    assert looked.looks == pytest.approx(AGO / 5, abs=1)


def test_looks_of_a_long_line_leave_the_door_open() -> None:
    """400,000 people look once a minute each, which takes an eighth of the web processes: nobody waits for it for long.

    Negative control: reckoned once a second their work shuts the door while the processes are all but idle.
    """
    setup = setup_of(night_of(), Resources(web=16))

    def longest_wait_s(every_ticks: int) -> float:
        run, _ = prepared(setup, np.array([0]))
        world, figures, rows = (getattr(run, name).view(np.recarray) for name in ("world", "figures", "rows"))
        world.tickets, world.rate_per_s = 400_000, 12.0
        waits = []
        for tick in range(every_ticks, 61, every_ticks):
            look(world[0], figures[0], rows, run.at_gate, tick * TICK_US)
            waits.append(wait_us(world[0], WEB, tick * TICK_US))
        assert world.polls[0] == pytest.approx(3 * 400_000 / 60, rel=0.1)
        return max(waits[1:]) / 1e6

    assert longest_wait_s(1) < overload.STORM_PATIENCE_S / 3.0
    assert longest_wait_s(20) > overload.STORM_PATIENCE_S
