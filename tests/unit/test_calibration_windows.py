"""Windows of a rehearsal: each that must not be fitted is refused by name; the others are steady."""

import numpy as np
import pytest

from scenarios.record import Run
from scenarios.simulation import windows
from tests.unit.planted_service import SCRAPE_S, PlantedService

MINUTES = 4
A_WINDOW = int(windows.WIDTH_S / SCRAPE_S)
"""Scrapes."""
NINTH = slice(8 * A_WINDOW, 9 * A_WINDOW)


@pytest.fixture
def planted() -> PlantedService:
    planted = PlantedService(minutes=MINUTES)
    planted.tells_times = False
    return planted


@pytest.fixture
def cut(tmp_path):
    return lambda planted: windows.cut(Run.load(planted.write(tmp_path / "run")))


def test_a_service_that_keeps_up_is_steady_all_the_time(planted, cut):
    found = cut(planted)
    assert [each.refused for each in found.all] == [""] * (MINUTES * 3)
    assert found.edges[0] == 0.0 and found.edges[-1] == MINUTES * 60
    for i, each in enumerate(found.all):
        own = slice(i * A_WINDOW, (i + 1) * A_WINDOW)
        assert each.busy == pytest.approx(planted.busy[own].mean(), rel=1e-6)
        assert each.load == pytest.approx(planted.load[own].mean(), rel=1e-6)
        answered = sum(counts[own].sum() for counts in planted.requests.values())
        assert each.requests_per_s == pytest.approx(answered / windows.WIDTH_S, rel=1e-6)


def test_calm_windows_are_the_steady_ones_of_little_use(planted, cut):
    planted.busy[NINTH] = 0.5
    found = cut(planted)
    assert found.steady.all() and found.calm(0.4).sum() == len(found.all) - 1 and not found.calm(0.4)[8]


def pile_up(planted: PlantedService, per_s: float = 20.0) -> None:
    """So many requests a second more come than are answered; then they are worked off."""
    planted.in_flight[NINTH] += per_s * SCRAPE_S * np.arange(1, A_WINDOW + 1)


def restart(planted: PlantedService) -> None:
    planted.cpu["web"][9 * A_WINDOW - 2] -= planted.cpu["web"][: 9 * A_WINDOW - 2].sum()


def fault(planted: PlantedService) -> None:
    for t, edge in ((8 * 20.0 + 3, "start"), (8 * 20.0 + 9, "end")):
        planted.events.append({"t": t, "kind": "fault", "name": "freeze", "edge": edge, "target": "web", "number": 0})


def fill_the_loop(planted: PlantedService) -> None:
    planted.busy[NINTH] = 0.95


def shed(planted: PlantedService) -> None:
    planted.shed[NINTH] = 0.05 * sum(counts[NINTH] for counts in planted.requests.values())


def starve(planted: PlantedService) -> None:
    planted.waited[NINTH] = 0.3 * sum(used[NINTH] for used in planted.cpu.values())


def steal(planted: PlantedService) -> None:
    planted.stolen[NINTH] = 0.1 * planted.load[NINTH] * SCRAPE_S


def fill_the_machine(planted: PlantedService) -> None:
    """In an older record, which does not tell who waited for a core."""
    planted.tells_waits = False
    planted.load[NINTH] = 0.97


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (pile_up, "drifts: requests at the service grew by "),
        (restart, "a process of the service began anew"),
        (fault, "a fault was injected: freeze"),
        (fill_the_loop, "saturated: a loop of the web role wanted 95% of its core"),
        (shed, "requests were turned away while"),
    ],
)
def test_a_window_in_trouble_is_refused_by_name(planted, cut, trouble, words):
    trouble(planted)
    found = cut(planted)
    assert words in found.all[8].refused
    assert not found.steady[8] and not found.calm(1.0)[8]
    # Its neighbor may hold the end of the trouble; the others have none of it.
    assert [i for i, each in enumerate(found.all) if each.refused] in ([8], [8, 9])


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (starve, "starved: the service waited "),
        (steal, "starved: the host took "),
        (fill_the_machine, "starved: every core of the machine was busy for 97%"),
    ],
)
def test_a_starved_window_is_steady_and_not_calm(planted, cut, trouble, words):
    """It used what it always does, and was slow."""
    trouble(planted)
    found = cut(planted)
    assert found.steady.all() and words in found.all[8].starved
    assert np.flatnonzero(~found.calm(1.0)).tolist() == [8]


def test_a_machine_that_is_busy_with_less_urgent_things_is_none_of_ours(planted, cut):
    """Nobody of the service waits for a core."""
    planted.load[NINTH] = 0.97
    assert cut(planted).calm(1.0).all()


def test_a_service_that_falls_behind_by_less_than_a_percent_is_steady(planted, cut):
    """434 requests a second are answered in that window, and 3 more come."""
    pile_up(planted, 3.0)
    assert cut(planted).steady[8]


def test_a_fault_that_was_never_ended_lasts(planted, cut):
    event = {"kind": "fault", "name": "refuse", "edge": "start", "target": "sms", "number": 1}
    planted.events.append({"t": 130.0, **event})
    assert [bool(each.refused) for each in cut(planted).all] == [False] * 6 + [True] * 6


def test_nothing_is_cut_out_of_the_audit(planted, cut):
    """It reads the database; and what is left over behind the last whole window is none."""
    planted.events.append({"t": 130.0, "kind": "phase", "name": "drain", "edge": "end"})
    assert len(cut(planted).all) == 6


def test_counters_are_even_between_scrapes(planted, cut):
    """A window need not begin with a scrape."""
    found = cut(planted)
    thirds = windows.cut(found.run, 7.0)
    whole = found.gained("registration_http_requests_total").sum()
    assert thirds.gained("registration_http_requests_total").sum() == pytest.approx(
        whole * len(thirds.all) * 7.0 / 240.0, rel=0.03
    )
