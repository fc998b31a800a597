"""The calibration file: what is written comes back, and what does not fit is refused with every fault named."""

import copy
import json
from typing import Any

import pytest

from scenarios import calibration_file
from scenarios.calibration_file import (
    Calibration,
    CalibrationError,
    Cost,
    Estimate,
    Refused,
    Role,
    Seen,
    Source,
    Step,
    Times,
)


def calibration(**changes) -> Calibration:
    """A small one, with everything in it."""
    whole = {
        "schema": 1,
        "name": "small",
        "window_s": 20.0,
        "calm": 0.3,
        "runs": (
            Source("20261122-170000-prakerja-wave-1", "ab" * 32, 2, 8e9, 1, {"service code": "38cc"}, {}, 12, 9,
                   (Refused(120.0, 140.0, "drifts: requests at the service grew by 60 while 900 were finished"),)),
        ),
        "seen": Seen(0.2, 60.0, 0.02, 0.55, {"tickets": 3.0}),
        "times": (
            Times("request", "tickets", "ok", "registration_http_measured_seconds", 4000.0, "log-normal",
                  {"median_s": 0.008, "sigma": 0.5}, Estimate(0.009, 0.0088, 0.0092), Estimate(0.008), Estimate(0.026),
                  0.004, {"log-normal": 0.0, "gamma": 40.0}, 0.0091),
            Times("request", "place", "any", "swarm_request_seconds", 900.0, "table", {}, Estimate(0.004),
                  Estimate(0.003), Estimate(0.02), 0.0, {}, None, (Step(0.001, 0.0), Step(0.005, 0.9), Step(0.1, 1.0))),
        ),
        "roles": (
            Role("web", Estimate(0.03, 0.02, 0.04),
                 (Cost("request", "tickets", "ok", 4000.0, Estimate(0.0008, 0.0007, 0.0009), 0, 0.0004),),
                 12, 3.5, 0.99, 0.02),
        ),
        "doubts": ("web: two kinds of work are told in one group",),
    }  # fmt: skip
    return Calibration(**{**whole, **changes})


def broken(**changes) -> list[str]:
    """The faults of the small one's document with other values at dotted keys."""
    document = copy.deepcopy(calibration().to_dict())
    for key, value in changes.items():
        at: Any = document
        *way, last = (int(part) if part.isdecimal() else part for part in key.split("__"))
        for part in way:
            at = at[part]
        at[last] = value
    with pytest.raises(CalibrationError) as refused:
        calibration_file.from_dict(document, "file")
    return refused.value.faults


def test_what_is_written_comes_back(tmp_path):
    path = tmp_path / "small.json"
    calibration_file.write(path, calibration())
    read = calibration_file.load(str(path))
    assert read == calibration()
    assert read.digest == calibration().digest != calibration(calm=0.31).digest


def test_the_digest_is_of_what_it_says_and_not_of_how(tmp_path):
    path = tmp_path / "small.json"
    path.write_text(json.dumps(dict(reversed(calibration().to_dict().items())), indent=7))
    assert calibration_file.load(str(path)).digest == calibration().digest


def test_every_fault_is_named_at_once():
    faults = broken(
        name=7, times__0__family="pareto", roles__0__costs__0__group="first", seen__busy_high=-0.1, shoe_size=44
    )
    assert [each.partition(": ")[2].partition(": ")[0] for each in sorted(faults)] == [
        "name", "roles[0].costs[0].group", "seen.busy_high", "shoe_size", "times[0].family",
    ]  # fmt: skip
    assert all(each.startswith("file: ") for each in faults)


def test_what_must_hold_across_keys_is_checked_at_once():
    assert broken(
        schema=2,
        times__0__parameters={"shape": 1.0},
        times__0__mean={"value": 0.01, "low": 0.02, "high": 0.03},
        times__1__steps=[{"at_s": 0.002, "share": 0.0}, {"at_s": 0.001, "share": 1.0}],
        roles__0__idle={"value": 0.03, "low": 0.01, "high": None},
        seen__requests_per_s_low=61.0,
    ) == [
        "file: schema: is 2, not 1, the one this version reads",
        "file: seen: a lowest load is above the highest",
        "file: times[0].mean: lies outside its own interval",
        "file: times[0].parameters: a log-normal has median_s, sigma",
        "file: times[1].steps: must rise in time and share, from a share of 0 above 0 s to a share of 1",
        "file: roles[0].idle: has half an interval",
    ]


def test_nothing_stands_there_twice():
    small = calibration().to_dict()
    assert broken(times=[small["times"][0]] * 2) == ["file: times: request tickets ok stands there 2 times"]
    assert broken(roles=[small["roles"][0]] * 2) == ["file: roles: web stands there 2 times"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "not JSON"), ("[]", "not a JSON object"), ('{"calm": NaN}', "NaN is no number"), (None, "No such file")],
)
def test_what_is_no_calibration_is_refused(tmp_path, text, words):
    path = tmp_path / "file.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CalibrationError, match=words):
        calibration_file.load(str(path))


def test_an_unknown_name_is_told_the_known_ones():
    with pytest.raises(CalibrationError, match="no calibration is called defaultt"):
        calibration_file.load("defaultt")


def test_times_and_costs_are_found_by_what_they_are_of():
    small = calibration()
    assert small.times_of("request", "tickets", "ok") is small.times[0]
    assert small.times_of("request", "tickets", "busy") is None
    assert small.times_of("request", "place", "busy") is small.times[1], "outcomes were not told apart"
    assert small.cost_of("web", "request", "tickets", "ok") is small.roles[0].costs[0]
    assert small.cost_of("database", "request", "tickets", "ok") is None


@pytest.mark.parametrize("name", calibration_file.names())
def test_those_that_come_with_the_project_can_be_read(name):
    assert calibration_file.load(name).name == name
