"""`launchnight capacity` around its probes: what is asked, what is kept, what goes on after an interruption."""

import json
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadtests import capacity, capacity_view, cli
from loadtests.harness import probing
from loadtests.harness.errors import Exit, Refusal
from loadtests.harness.flow import Flow
from loadtests.harness.hunt import NOT_OVER, Hunt
from loadtests.harness.order import Order
from loadtests.harness.probing import Prober, Stopped, judged, length_s, probe_order
from loadtests.harness.progress import Display, Quiet
from loadtests.harness.run_folder import RunFolder, machine
from loadtests.harness.search import Course, Step
from loadtests.harness.signals import Signals
from reports.probes import called
from scenarios import record
from scenarios.capacity_record import Capacity, Outcome, Phase, Probe, Search
from scenarios.fates import Fate, Reason
from tests.unit.synthetic_run import SyntheticRun
from tests.unit.test_capacity_record import search as recorded

NIGHT = "prakerja-wave-1"
LENGTH = 60.0
LIMIT = 30.4
COURSE = Course(from_per_s=4.0, most_probes=8, length_s=LENGTH, seed=1)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert cli.main(["capacity", *arguments]) == Exit.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    return [line.removeprefix("launchnight: ") for line in said.err.splitlines()]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "NIGHT is missing"),
        ((NIGHT, "--from", "0"), "--from: must be more than 0"),
        ((NIGHT, "--from", "many"), "--from: must be people a second"),
        ((NIGHT, "--probes", "1"), "--probes: must be a whole number from 2"),
        ((NIGHT, "--from", "1", "--minutes", "0.1"), "--from: 1 people a second are 6 in a probe"),
        ((NIGHT, "--minutes", "soon"), "--minutes"),
        ((NIGHT, "--people", "2"), "people must be"),
        ((NIGHT, "--speed", "0"), "--speed"),
        ((NIGHT, "--seed", "first"), "--seed"),
        ((NIGHT, "--workers", "0"), "--workers"),
        (("no-such-night",), "no-such-night"),
        (("--resume", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert told in refused(capsys, *arguments)[0]
    assert not list(tmp_path.glob("runs/*")), "nothing is left of it"


def test_a_search_goes_on_as_it_began_or_not_at_all(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    replace(recorded(), machine=machine()).write(tmp_path)
    other = refused(capsys, NIGHT, "--resume", str(tmp_path), "--seed", "7", "--pace", "9")
    assert [line.rpartition("leave ")[2] for line in other] == ["the night out", "--seed out", "--pace out"]
    replace(recorded(), machine={"cpus": 4096}).write(tmp_path)
    assert "another machine" in refused(capsys, "--resume", str(tmp_path))[0]


def options(**given: str) -> Namespace:
    """Of a rehearsal, with those that a search has by itself."""
    usual = cli.parser().parse_args(["rehearse", NIGHT])
    return Namespace(**{**vars(usual), "people": "1", "minutes": "1", **given})


@pytest.mark.parametrize(("people", "speed"), [("1", "1"), ("1/10", "1"), ("1/10", "4")])
def test_the_rate_of_a_probe_is_what_really_comes_whatever_the_factors(people: str, speed: str) -> None:
    order = probe_order(options(people=people, speed=speed), Step(Phase.RAMP, 7.0, 3))
    length = length_s(order)
    assert length == 60.0 / float(speed)
    assert order.plan.planned == pytest.approx(7.0 * length, abs=1.0) and order.seed == 3
    assert order.night.faults == (), "faults of the night are another question"


def test_a_jump_is_played_between_two_calm_times() -> None:
    order = probe_order(options(), Step(Phase.RECOVERY, 10.0, 1), 40.0)
    in_calm, in_jump, after = (
        int(np.count_nonzero((order.plan.due >= begin) & (order.plan.due < end)))
        for begin, end in ((0.0, 60.0), (60.0, 75.0), (75.0, 165.0))
    )
    assert (in_calm, in_jump, after) == (600, 600, 900)


def verdict(code: int, *findings: tuple[str, str]) -> dict[str, Any]:
    found = [{"code": code, "subject": subject, "text": text} for subject, text in findings]
    return {"verdict": {"exit_code": code, "findings": found}}


CALM = Probe(1, Phase.RAMP, 10.0, 1, "probes/01", Outcome.HELD, "", 0, 9.0, 0.0)


@pytest.mark.parametrize(
    ("told", "seen", "before", "outcome", "why"),
    [
        (verdict(0), Flow(36.0, 0.0, 9.0), [CALM], Outcome.HELD, "36 of 40 a second finished"),
        (verdict(3, ("api_p95_s", "too slow")), Flow(36.0, 0.0, 9.0), [CALM], Outcome.BROKE, "too slow"),
        (verdict(6, ("lost", "1 photo")), Flow(36.0, 0.0, 9.0), [CALM], Outcome.BROKE, "1 photo"),
        (verdict(0), Flow(20.0, 15.0, 9.0), [CALM], Outcome.BROKE, "of whom 90.0% do at 10/s"),
        (verdict(0), Flow(20.0, 19.0, 9.0), [], Outcome.BROKE, "every second 19 more"),
        (verdict(0), Flow(36.0, 0.5, 9.0), [], Outcome.HELD, "finished"),
        (verdict(5, ("generator", "late")), Flow(36.0, 0.0, 9.0), [CALM], Outcome.INVALID, "late"),
        (verdict(3, ("evidence", "nobody was judged")), Flow(0.0, 0.0, 9.0), [CALM], Outcome.INVALID, "nobody"),
        (verdict(0), Flow(0.0, 0.0, float("nan")), [], Outcome.INVALID, "--minutes"),
    ],
)
def test_a_probe_holds_when_no_objective_is_missed_and_as_many_finish(
    told: dict[str, Any], seen: Flow, before: list[Probe], outcome: Outcome, why: str
) -> None:
    found, text = judged(Step(Phase.RAMP, 40.0, 1), told, seen, before, LENGTH)
    assert found is outcome and why in text


class Simulated:
    """Instead of the Prober: a service with a sharp limit, and the people of a jump that it serves in order."""

    def __init__(self, folder: Path, fails_at: int = 0, invalid_above: float = 1e9) -> None:
        self.played: list[Step] = []
        self._folder = folder
        self._fails_at = fails_at
        self._invalid_above = invalid_above

    def play(self, step: Step, before: Sequence[Probe], *, jump_per_s: float = 0.0) -> Probe:
        number = len(before) + 1
        if number == self._fails_at:
            raise Stopped(Exit.INTERRUPTED, "interrupted")
        self.played.append(step)
        folder = f"probes/{number:02d}"
        if step.phase is Phase.RECOVERY:
            self._write_people(self._folder / folder, step.per_s, jump_per_s)
        held = Outcome.HELD if step.per_s <= LIMIT else Outcome.BROKE
        outcome = Outcome.INVALID if step.per_s > self._invalid_above else held
        goodput = min(step.per_s, LIMIT) if step.phase is not Phase.RECOVERY else None
        return Probe(number, step.phase, step.per_s, step.seed, folder, outcome, "so", 0, goodput, 0.0)

    def _write_people(self, folder: Path, calm: float, jump: float) -> None:
        times = np.cumsum([0.0, LENGTH, LENGTH / 4, LENGTH * 1.5])
        due = np.concatenate([
            np.arange(begin, end, 1.0 / rate)
            for begin, end, rate in zip(times, times[1:], (calm, jump, calm), strict=False)
        ])  # fmt: skip
        free, ended = 0.0, []
        for one in due:
            free = max(free, one) + 1.0 / LIMIT
            ended.append(free)
        folder.mkdir(parents=True)
        people = record.blank_people(len(due))
        people.update(due=due, started=due, ended=np.array(ended))
        people["fate"][:], people["reason"][:] = Fate.JOINED, Reason.JOINED
        record.write_people(folder, people)


def hunt(folder: Path, prober: Simulated, course: Course = COURSE) -> Hunt:
    begun = replace(recorded(), probes=(), search=Search(no_call_because=NOT_OVER), beyond=None, recovery=None)
    found = Capacity.load(folder) if (folder / "capacity.json").exists() else begun
    return Hunt(found, course, folder, prober, called)  # type: ignore[arg-type]


def test_a_search_ends_with_the_capacity_what_lies_beyond_and_the_recovery(tmp_path: Path) -> None:
    hunting = hunt(tmp_path, Simulated(tmp_path))
    hunting.go_on()
    found = Capacity.load(tmp_path)
    assert found == hunting.found
    assert found.search.call == pytest.approx(LIMIT, rel=0.05)
    assert found.beyond is not None and found.recovery is not None
    assert [(point.times, round(point.kept or 0.0, 2)) for point in found.beyond.points] == [(2.0, 1.0), (4.0, 1.0)]
    # For a quarter of a minute twice as many come as can be served; then half as many as can: it takes twice as long.
    assert found.recovery.recovered_s == pytest.approx(2.0 * LENGTH / 4, rel=0.2)


def test_nothing_past_the_capacity_is_tried_when_that_is_not_asked(tmp_path: Path) -> None:
    prober = Simulated(tmp_path)
    hunt(tmp_path, prober, replace(COURSE, beyond=())).go_on()
    found = Capacity.load(tmp_path)
    assert found.search.call is not None and found.beyond is None and found.recovery is None
    assert not {Phase.BEYOND, Phase.RECOVERY} & {step.phase for step in prober.played}


@pytest.mark.parametrize("cut", [4, 9])
def test_what_was_played_before_an_interruption_counts(cut: int, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    hunt(whole, Simulated(whole)).go_on()
    with pytest.raises(Stopped):
        hunt(parts, Simulated(parts, fails_at=cut)).go_on()
    kept = Capacity.load(parts)
    assert len(kept.probes) == cut - 1
    again = Simulated(parts)
    hunt(parts, again).go_on()
    assert len(again.played) == len(Capacity.load(whole).probes) - (cut - 1)
    assert Capacity.load(parts) == Capacity.load(whole)


def test_a_search_whose_generator_is_the_limit_says_what_held(tmp_path: Path) -> None:
    over = hunt(tmp_path, Simulated(tmp_path, invalid_above=20.0)).go_on()
    found = Capacity.load(tmp_path).search
    assert over.invalid and found.call is None and "twice" in found.no_call_because
    assert (found.low_per_s, found.high_per_s) == (10.0, None)


def test_the_screen_says_what_is_known_even_where_nothing_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    told = recorded().to_dict()
    document = {
        "answer": [],
        "probes": told["probes"], "found": {**told["search"], "call": None}, "beyond": told["beyond"],
        "recovery": {**told["recovery"], "recovered_s": None, "not_known_because": "it was felt too long"},
        "verdict": {"outcome": "no-call", "exit_code": 3, "sentence": "No capacity is called: the methods differ."},
    }  # fmt: skip
    capacity_view.show(document, Path("runs/x/report.html"))
    text = " ".join(capsys.readouterr().out.split())
    for words in ("the methods differ", "40/s held and 42/s broke", "98% of the most", "it was felt too long"):
        assert words in text
    assert json.loads(json.dumps(capacity_view.document(document, Path("r"))))["report"] == "r"


def kept(folder: Path, *probes: Probe, **changed: Any) -> tuple[Namespace, Namespace]:
    """A search on disk whose options can be played again here; the options of --resume and of the verb."""
    given = {name: value for name, value in vars(options(minutes="3", pace="60")).items() if name != "run"}
    asked = {**recorded().order, "most_probes": 2, "beyond": False, "options": given}
    replace(recorded(), probes=probes, machine=machine(), order=asked, **changed).write(folder)
    usual = cli.parser().parse_args(["capacity"])
    return Namespace(**{**vars(usual), "resume": str(folder), "quiet": True}), usual


def test_a_night_that_has_changed_meanwhile_is_not_gone_on_with(tmp_path: Path) -> None:
    given, usual = kept(tmp_path, night={**recorded().night, "title": "another night"})
    with pytest.raises(Refusal, match="the night has changed"):
        capacity.run(given, usual, options(), judge=lambda folder: verdict(0), knee=called)


def test_what_was_invalid_at_the_end_is_played_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    late = replace(CALM, offered_per_s=25.0, outcome=Outcome.INVALID, why="late", exit_code=5)
    given, usual = kept(tmp_path, CALM, replace(late, number=2), replace(late, number=3))
    prober = Simulated(tmp_path)
    monkeypatch.setattr(capacity, "Prober", lambda *_: prober)
    folder, code = capacity.run(given, usual, options(), judge=lambda run: verdict(0), knee=called)
    assert [step.per_s for step in prober.played] == [25.0] and folder == tmp_path
    assert code is Exit.MISSED and "all 2 probes" in Capacity.load(tmp_path).search.no_call_because


class Recorded:
    """Instead of a rehearsal: one whose record is there at once."""

    def __init__(self, order: Order, display: Display, signals: Signals, folder: RunFolder) -> None:
        self.folder = folder

    def run(self) -> None:
        (self.folder.path / "left over").touch()
        SyntheticRun(planned=300).write(self.folder.path)
        self.folder.discard_work(None)


def test_a_probe_leaves_its_run_in_the_folder_of_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "Rehearsal", Recorded)
    unfinished = tmp_path / "search" / "probes" / "02" / "of before"
    unfinished.mkdir(parents=True)
    judged_folders: list[Path] = []

    def judge(folder: Path) -> dict[str, Any]:
        judged_folders.append(folder)
        return verdict(0)

    with Signals() as signals:
        prober = Prober(options(minutes="5"), tmp_path / "search", judge, Quiet(), signals)
        made = prober.play(Step(Phase.RAMP, 1.0, 5), [CALM])
    assert (made.number, made.folder, made.seed, made.exit_code) == (2, "probes/02", 5, 0)
    assert judged_folders == [tmp_path / "search" / made.folder] and not unfinished.exists()
    assert record.Run.load(judged_folders[0]).config["planned"] == 300
    assert made.goodput_per_s is not None and made.goodput_per_s > 0.0
    assert not list(tmp_path.glob(".launchnight/rehearsals/*")), "and nothing else"


def test_a_probe_that_was_interrupted_ends_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "Rehearsal", Recorded)
    with Signals() as signals:
        prober = Prober(options(), tmp_path, lambda folder: verdict(130, ("ending", "stopped")), Quiet(), signals)
        with pytest.raises(Stopped, match="probe 1 ended with 130: stopped") as stopped:
            prober.play(Step(Phase.RAMP, 1.0, 1), [])
    assert stopped.value.exit_code is Exit.INTERRUPTED
