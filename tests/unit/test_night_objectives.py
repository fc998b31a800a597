"""Objectives of a night file: for all of it, at stages, in windows; what asks less than the default says why."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests import crowd, nights_view
from loadtests.pages import way
from scenarios import catalogue
from scenarios.catalogue import Night, NightError
from scenarios.objectives import DEFAULTS, STAGES, Demand, demands, is_looser, stage_of

TEXT = (Path(catalogue.__file__).parent / "nights" / "prakerja-wave-1.toml").read_text()
MORE = """
[objectives.stage.code]
p95_s = 0.5
completed_ratio = 0.9
reason = "mail takes what it takes"

[[objectives.window]]
name = "opening"
start_s = 0
end_s = 300
api_p95_s = 2.0
server_error_ratio = 0.001
reason = "everybody comes at once"

[objectives.window.stage.line]
p99_s = 2.0

[[objectives.window]]
name = "rush"
start_s = 600
end_s = 660
admitted_joined_ratio = 0.99
"""

Load = Callable[[str], Night]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """The night with more text at its end."""

    def night(more: str) -> Night:
        path = tmp_path / "night.toml"
        path.write_text(TEXT + more)
        return catalogue.load(str(path))

    return night


def asked(night: Night) -> list[Demand]:
    return demands(json.loads(json.dumps(night.to_dict()))["objectives"], night.objective_reasons)


def test_stages_and_windows_come_on_top(load: Load) -> None:
    """The ten of the night first; each with the place where it stands, and the reason where it asks less."""
    found = asked(load(MORE))
    assert [one.id for one in found[:10]] == list(DEFAULTS)
    assert found[10:] == [
        Demand("p95_s", 0.5, "stage.code.p95_s", "code"),
        Demand("completed_ratio", 0.9, "stage.code.completed_ratio", "code", reason="mail takes what it takes"),
        Demand("api_p95_s", 2.0, "window.0.api_p95_s", "", "opening", 0, 300, "everybody comes at once"),
        Demand("server_error_ratio", 0.001, "window.0.server_error_ratio", "", "opening", 0, 300),
        Demand("p99_s", 2.0, "window.0.stage.line.p99_s", "line", "opening", 0, 300),
        Demand("admitted_joined_ratio", 0.99, "window.1.admitted_joined_ratio", "", "rush", 600, 660),
    ]
    assert [one.id for one in found[11:15]] == [
        "stage.code.completed_ratio", "window.opening.api_p95_s", "window.opening.server_error_ratio",
        "window.opening.stage.line.p99_s",
    ]  # fmt: skip
    assert found[0].end_s == math.inf


def test_they_survive_the_record(load: Load) -> None:
    night = load(MORE)
    assert Night.from_dict(json.loads(json.dumps(night.to_dict()))) == night
    figures = {figure.key: figure.unit for figure in night.figures}
    assert figures["objectives.window[0].stage.line.p99_s"] == "s"
    assert figures["objectives.stage.code.completed_ratio"] == "share of 1"


def test_the_night_shows_them(load: Load, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    load(MORE)
    assert nights_view.show(str(tmp_path / "night.toml"), str(tmp_path / "night.svg")) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "window opening of the objectives: from 0 s to 300 s" in said
    assert "looser than the default: stage.code.completed_ratio, because mail takes what it takes" in said
    assert "objectives.window.stage.line" in said


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ("[objectives.stage.codes]\np95_s = 1\n", "objectives.stage.codes: no such stage; there are line, account"),
        ("[objectives.stage.code]\np95 = 1\n", "objectives.stage.code.p95: unknown key; did you mean p95_s?"),
        ("[objectives.stage.code]\n", "objectives.stage.code: demands nothing: give one of p95_s, p99_s"),
        ("[objectives.stage.code]\np95_s = 1.5\n", "p95_s: 1.5 is looser than the default 1: give the reason as obj"),
        ("[objectives.stage.code]\ncompleted_ratio = 2\n", "completed_ratio: must be from 0 to 1"),
        ("[objectives.stage.code]\nreason = 5\np95_s = 1\n", "objectives.stage.code.reason: must be text, not 5"),
        ("[[objectives.window]]\nname = 'x'\nstart_s = 0\nend_s = 9\n", "objectives.window[0]: demands nothing"),
        ("[[objectives.window]]\nname = 'x'\nstart_s = 9\nend_s = 9\napi_p95_s = 1\n", "end_s: must be after start_s"),
        (
            "[[objectives.window]]\nname = 'a.b'\nstart_s = 0\nend_s = 9\napi_p95_s = 1\n",
            "window[0].name: must be 1 to",
        ),
        ("[[objectives.window]]\nname = 'x'\nend_s = 9\napi_p95_s = 1\n", "window[0].start_s: missing (unit: s)"),
        ("[[objectives.window]]\nname = 'x'\nstart_s = 0\nend_s = 9\nlost = 0\n", "window[0].lost: unknown key"),
        (
            "[[objectives.window]]\nname = 'x'\nstart_s = 0\nend_s = 9\nserver_error_ratio = 0.1\n",
            "server_error_ratio: 0.1 is looser than the default 0.001: give the reason as objectives.window[0].reason",
        ),
        (
            "[[objectives.window]]\nname = 'x'\nstart_s = 0\nend_s = 9\n[objectives.window.stage.nap]\np95_s = 1\n",
            "objectives.window[0].stage.nap: no such stage",
        ),
        (2 * "[[objectives.window]]\nname = 'x'\nstart_s = 0\nend_s = 9\napi_p95_s = 1\n", "another window is called"),
    ],
)
def test_each_rule_broken_once(load: Load, more: str, fault: str) -> None:
    """At the line of the table or of the key."""
    with pytest.raises(NightError) as refusal:
        load(more)
    found = refusal.value.faults
    assert any(fault in said for said in found)
    assert all(int(said.split(":")[1]) > TEXT.count("\n") for said in found)


def test_only_what_asks_less_is_looser() -> None:
    """A stage is held against the default of the same quantity; of the times of uploads there is none."""
    assert is_looser("p95_s", 1.1, "code") and not is_looser("p95_s", 1.0, "code")
    assert is_looser("completed_ratio", 0.94, "join") and not is_looser("completed_ratio", 0.95, "join")
    assert is_looser("server_error_ratio", 0.01, "photos")
    assert not is_looser("p99_s", 60.0, "photos")


def test_every_route_of_the_way_has_its_stage() -> None:
    """But for looks at the start page and at the status."""
    beside = {"me", "pages-start", "pages-asset", "pages-status"}
    routes = {*crowd.ROUTE_NAMES, *way.ROUTES}
    assert {route for route in routes if not stage_of(route)} == beside
    assert {route for routes in STAGES.values() for route in routes} == routes - beside
