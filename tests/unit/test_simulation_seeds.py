"""Several seeds of one night: how many processes, and what they come to together."""

import argparse
from typing import Any

import pytest

from scenarios.simulation import seeds
from scenarios.simulation.simulate import add_arguments, game_of


def one(seed: int, joined: float, cut: int = 0) -> dict[str, Any]:
    return {
        "night": "a night", "people": 100, "seed": seed, "came_joined": joined, "admitted": 100, "polls": 10 * seed,
        "ended_s": 60.0, "events": 1000 + seed, "digest": f"{seed:064d}", "remarks": [], "broken_laws": [],
        "fates": {"joined": round(100 * joined), **({"cut": cut} if cut else {})}, "furthest": {"wave_joined": 1},
        "busy_core_s": {"web": 2.0},
    }  # fmt: skip


def test_the_spread_is_told_and_never_a_mean_over_two_kinds_of_nights() -> None:
    told = seeds.together([one(1, 0.99), one(2, 0.40, cut=60), one(3, 0.98)])
    assert told["spread"]["came_joined"] == {"median": 0.98, "min": 0.40, "max": 0.99}
    assert told["spread"]["fates"]["cut"] == {"median": 0.0, "min": 0.0, "max": 60.0}
    melted = told["meltdown"]
    assert (melted["count"], melted["runs"], melted["tipped"]) == (1, 3, [2])
    # Clopper and Pearson: 1 of 3 with 95 %, by the table of the exact interval.
    assert (melted["low"], melted["high"]) == pytest.approx((0.0084, 0.9057), abs=1e-4)
    assert "melted down" in seeds.text_of(told) and "1 of 3" in seeds.text_of(told)


def test_no_meltdown_in_sixty_seeds_is_six_in_a_hundred_at_most() -> None:
    told = seeds.together([one(seed, 0.99) for seed in range(60)])
    assert told["meltdown"]["high"] == pytest.approx(0.0596, abs=1e-4)


def test_a_law_that_one_seed_breaks_is_told_with_its_seed() -> None:
    told = seeds.together([one(1, 0.99), {**one(2, 0.99), "broken_laws": ["web: something"]}])
    assert told["broken_laws"] == ["seed 2: web: something"]


@pytest.mark.parametrize(("free", "wanted"), [(64e9, 2), (1.4e9, 2), (1.2e9, 1), (0.0, 1)])
def test_as_many_at_a_time_as_cores_and_memory_allow(free: float, wanted: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(seeds, "_free_bytes", lambda: int(free))
    assert seeds.processes(20, 2_000_000) == wanted
    assert seeds.processes(1, 2_000_000) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [(["--seeds", "0"], "--seeds must be 1 or more"), (["--drain-minutes", "0"], "--drain-minutes must be above 0")],
)
def test_what_cannot_be_asked_is_refused(words: list[str], told: str) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with pytest.raises(ValueError, match=told):
        game_of(parser.parse_args(["prakerja-wave-1", "--people", "5", "--cut", *words]))
