"""Cores for more people: a known line is found inside its interval, and no line is told where there is none."""

import math
from dataclasses import replace

import numpy as np
import pytest

from reports.extrapolation import FULL, Growth, Line, Windows, cores, fit, replicas, table
from reports.scalability import Law
from reports.scalability import fit as fit_law
from reports.statistics import FloatArray

SLOPE, REST = 0.002, 0.15


def windows(n: int = 60, noise: float = 0.03, seed: int = 0) -> Windows:
    """Ten-second windows of a service that takes SLOPE cores for each request a second, a third of it in the web."""
    rng = np.random.default_rng(seed)
    requests = np.asarray(200 * np.sin(np.linspace(0.1, math.pi, n)) + 20, np.float64)
    web = SLOPE / 3 * requests * (1 + noise * rng.standard_normal(n))
    database = REST + 2 * SLOPE / 3 * requests * (1 + noise * rng.standard_normal(n))
    starts: FloatArray = np.arange(0.0, 10.0 * n, 10.0)
    return Windows(starts, requests, {"web": web, "database": database})


def growth(found: Windows, law: Law | None = None) -> Growth:
    return Growth(
        found, fit(found.requests, found.together), fit(found.requests, found.cores["web"]), 40.0, 1, 10.0, law
    )


def test_the_line_is_found_inside_its_interval() -> None:
    """At ten times what was seen, in nearly all of forty runs."""
    inside = 0
    for seed in range(40):
        found = windows(seed=seed)
        line = fit(found.requests, found.together)
        assert isinstance(line, Line)
        value, low, high = line.at(2000.0)
        assert value == pytest.approx(REST + 2000 * SLOPE, rel=0.1)
        inside += low <= REST + 2000 * SLOPE <= high
    assert inside >= 34


def test_no_line_where_there_is_none() -> None:
    found = windows()
    short, flat = fit(found.requests[:11], found.together[:11]), fit(np.full(60, 50.0), found.together)
    loose = fit(found.requests, np.random.default_rng(1).permutation(found.together))
    assert not any(isinstance(one, Line) for one in (short, flat, loose))
    assert "too short" in str(short)
    assert "hardly changed" in str(flat)
    assert "not surely busier" in str(loose)


def test_cores_and_replicas_follow_the_line_and_are_marked() -> None:
    """600 people a second with 40 requests each."""
    stated = cores(growth(windows()), 600.0)
    assert stated.value == pytest.approx(REST + 24_000 * SLOPE, rel=0.1)
    assert (stated.kind, stated.confidence) == ("extrapolated", "a guess"), "a hundred times what was seen"
    assert cores(growth(windows()), 6.0).confidence == "likely"
    processes = replicas(growth(windows()), 600.0)
    assert processes.value == pytest.approx(24_000 * SLOPE / 3 / FULL, rel=0.1)
    assert processes.value == int(processes.value or 0)


def test_a_law_that_bends_takes_the_place_of_the_line() -> None:
    """More cores that carry fewer and fewer people: beyond the law's peak no number of cores is told."""
    n = np.linspace(0.5, 12.0, 24)
    x = 10 * n / (1 + 0.1 * (n - 1) + 0.02 * n * (n - 1))
    law = fit_law(n, x)
    assert isinstance(law, Law)
    stated = cores(growth(windows(), law), 20.0)
    assert stated.value is not None
    assert float(law.rate(stated.value)) >= 20.0
    beyond = cores(growth(windows(), law), 100.0)
    assert beyond.value is None
    assert "by the fitted law" in beyond.why_not


def test_what_is_not_sampled_is_not_known() -> None:
    assert cores(None, 600.0).why_not
    assert replicas(None, 600.0).why_not
    assert cores(growth(windows()), None).why_not == "the record does not hold the curve of its night"


def test_the_table_is_short_however_long_the_run() -> None:
    found = growth(windows(n=1000))
    assert 30 <= len(table(found).rows) <= 40
    assert len(table(replace(found, windows=windows(n=12))).rows) == 12
