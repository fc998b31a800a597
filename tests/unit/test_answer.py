"""The answer of a run: what it held, what the night needs, what it costs, and what it cannot tell."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reports
from reports import answer, first_page, money, needs
from reports.facts import Facts
from reports.stated import CONFIDENCES, KINDS, Stated
from reports.uses import Taken
from reports.verdict import Verdict, judge
from reports.wording import Told, speaking
from scenarios import catalogue
from scenarios.record import Fate, Run
from tests.unit.synthetic_run import SyntheticRun
from tests.unit.test_report import Page

NIGHT = catalogue.load("prakerja-wave-1").to_dict()
KEYS = {"id", "value", "low", "high", "unit", "kind", "confidence", "evidence", "why_not", "named", "what", "text",
        "interval", "manner"}  # fmt: skip


def of(folder: Path, change: Callable[[SyntheticRun], object] = lambda run: None, planned: int = 150) -> Verdict:
    """The verdict of a run of the real night, in which `change` broke something."""
    run = SyntheticRun(planned=planned)
    run.config["night"] = json.loads(json.dumps(NIGHT))
    change(run)
    return judge(Run.load(run.write(folder, scrape_s=130.0)))


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Verdict]:
    """The folder and the verdict of a run in which nothing is wrong."""
    folder = tmp_path_factory.mktemp("usual")
    return folder, of(folder)


def by_id(verdict: Verdict) -> dict[str, Stated]:
    return {one.id: one for one in verdict.answer}


def too_slow(run: SyntheticRun) -> None:
    run.scheduled["answers"] = run.scheduled["answers"] + 20.0


def late_generator(run: SyntheticRun) -> None:
    run.people["started"][:] += 0.05


def test_a_run_that_met_its_objectives_holds_at_least_what_was_played(usual: tuple[Path, Verdict]) -> None:
    holds = by_id(usual[1])["holds"]
    assert holds.value is not None
    assert (holds.low, holds.high, holds.kind) == (holds.value, None, "measured")
    assert holds.confidence == "likely", "one run is no three"
    assert str(holds.text).startswith("at least ")


def test_a_run_that_missed_one_holds_at_most_that(tmp_path: Path) -> None:
    """Negative control of the above: the same people, answers of 20 s."""
    verdict = of(tmp_path, too_slow)
    assert verdict.exit_code == 3
    holds, headroom = (by_id(verdict)[name] for name in ("holds", "headroom"))
    assert (holds.low, holds.high) == (None, holds.value)
    assert str(headroom.text).startswith("at most ")


def test_a_miss_that_has_nothing_to_do_with_how_many_came_is_no_bound(tmp_path: Path) -> None:
    def forgets(run: SyntheticRun) -> None:
        run.config["ledgers"]["accounts"].update(database=598, difference=2)

    verdict = of(tmp_path, forgets)
    assert verdict.exit_code == 6
    assert "says nothing about how much" in by_id(verdict)["holds"].why_not


def test_a_miss_in_less_than_a_minute_is_no_bound(tmp_path: Path) -> None:
    def soon_over(run: SyntheticRun) -> None:
        too_slow(run)
        run.config["last_arrival_s"] = 30.0

    assert by_id(of(tmp_path, soon_over))["holds"].why_not == "people came for less than a minute"


def test_where_nobody_stands_in_line_whoever_came_is_the_bound(tmp_path: Path) -> None:
    """Without a gate a service that collapses lets in fewer than it could hold."""

    def collapses(run: SyntheticRun) -> None:
        too_slow(run)
        run.people["wait"][:] = np.nan
        run.people["admitted_at"][::2] = np.nan

    gated, free = (by_id(of(tmp_path / name, change))["holds"].value for name, change in
                   (("gated", too_slow), ("free", collapses)))  # fmt: skip
    assert gated is not None and free is not None
    assert free >= gated


def test_a_run_that_is_not_valid_holds_nothing_known_and_makes_guesses_only(tmp_path: Path) -> None:
    verdict = of(tmp_path, late_generator)
    assert verdict.exit_code == 5
    found = by_id(verdict)
    assert found["holds"].value is None
    assert found["headroom"].why_not == found["holds"].why_not != ""
    measured = [one for one in verdict.answer if one.value is not None and one.id not in answer.OF_THE_NIGHT]
    assert {one.confidence for one in measured} == {"a guess"}
    assert found["needs"].confidence == "likely", "the night is what it was"


def test_a_run_that_judged_nobody_holds_nothing_known(tmp_path: Path) -> None:
    """Its exit code is that of a miss, yet no objective was missed: it is no bound either."""
    unending = [{"t": 0.0, "kind": "fault", "name": "partner-down", "edge": "start"}]
    verdict = of(tmp_path, lambda run: setattr(run, "events", unending))
    assert verdict.exit_code == 3
    holds = by_id(verdict)["holds"]
    assert holds.value is None and "nobody was judged" in holds.why_not


def test_a_run_that_nobody_joined_in_holds_no_registrations(tmp_path: Path) -> None:
    """Whoever leaves by themselves breaks no objective, and is no registration either."""
    verdict = of(tmp_path, lambda run: run.people["fate"].fill(Fate.ABANDONED))
    assert verdict.exit_code == 0
    assert by_id(verdict)["holds"].why_not == "nobody joined"


def test_needs_are_those_of_the_harsh_reading_behind_its_gate(usual: tuple[Path, Verdict]) -> None:
    """80,000 to 82,000 people in the busiest minute were published; the prepared set lets in 600 a second."""
    found = by_id(usual[1])
    assert found["peak"].value is not None and 80_000 <= 60 * found["peak"].value <= 82_000
    assert found["needs"].value == 600.0
    assert found["needs_here"].value == pytest.approx(6.0)
    holds, headroom = found["holds"].value, found["headroom"].value
    assert holds is not None and headroom == pytest.approx(holds / 6.0 - 1)


def test_without_a_gate_the_peak_itself_is_needed(tmp_path: Path) -> None:
    verdict = of(tmp_path, lambda run: run.config.update(set="as-launched", reading="expected"))
    found = by_id(verdict)
    assert found["needs"].value == found["peak"].value == pytest.approx(352.5, abs=0.1)


def test_codes_and_checks_follow_from_what_each_person_took(usual: tuple[Path, Verdict]) -> None:
    """Everybody of the synthetic run asked for two codes, one by each channel, and one identity check."""
    found = by_id(usual[1])
    assert found["codes"].value == pytest.approx(60 * 600 * 2)
    assert found["identity_checks"].value == pytest.approx(600)
    by_close = found["identity_by_close"].value
    assert by_close == pytest.approx(5_965_048 / (4 * 86400 + 21 * 3600))


def test_people_who_left_early_say_nothing_about_whole_registrations(tmp_path: Path) -> None:
    verdict = of(tmp_path, lambda run: run.config.update(steps=5))
    found = by_id(verdict)
    assert found["holds"].value is not None and found["holds"].unit == "people/s"
    assert {found[name].why_not for name in answer.OF_WHOLE_JOURNEYS} == {"people left after 5 of their steps"}
    assert found["needs"].value == 600.0
    told = [sentence for sentence in first_page.unknown(verdict.answer) if "after 5 of their steps" in sentence]
    assert len(told) == 1 and told[0].startswith("Headroom, "), "one reason, one sentence"


def test_a_night_without_a_curve_leaves_its_needs_unknown(tmp_path: Path) -> None:
    """Records of old hold less of their night; what the run itself tells is told all the same."""
    found = {one.id: one for one in judge(Run.load(SyntheticRun(planned=60).write(tmp_path))).answer}
    assert found["holds"].value is not None
    unknown = {name for name, one in found.items() if one.value is None}
    assert {"peak", "needs", "headroom", "codes", "identity_checks", "cost"} <= unknown
    assert all(found[name].why_not for name in unknown)


# ---------------------------------------------------------------- money


def lines_of(folder: Path, **prices: float | None) -> dict[str, money.Line]:
    run = Run.load(folder)
    run.config["night"]["prices"].update(prices)
    facts = Facts(run)
    unknown = needs.peak(None)
    return {str(line.what): line for line in money.lines(facts, Taken.of(facts), needs.of_night(facts), unknown)}


def test_the_cost_is_the_sum_of_its_lines_and_follows_the_prices(usual: tuple[Path, Verdict]) -> None:
    folder, verdict = usual
    facts = Facts(Run.load(folder))
    cores = by_id(verdict)["cores"]
    bought = money.lines(facts, Taken.of(facts), needs.of_night(facts), cores)
    assert by_id(verdict)["cost"].value == pytest.approx(sum(line.amount for line in bought))
    checks = lines_of(folder)["identity checks asked for"]
    assert checks.quantity == pytest.approx(1000)
    assert checks.amount == pytest.approx(1_000_000)
    dearer = lines_of(folder, identity_check=1500.0)["identity checks asked for"]
    assert dearer.amount == pytest.approx(1.5 * checks.amount)


def test_who_did_not_get_through_is_paid_for_by_those_who_did(usual: tuple[Path, Verdict], tmp_path: Path) -> None:
    """Half of the people failed after all was spent on them."""

    def half_failed(run: SyntheticRun) -> None:
        run.people["fate"][::2] = Fate.FAILED

    of(tmp_path, half_failed)
    half, everybody = (lines_of(one)["identity checks asked for"] for one in (tmp_path, usual[0]))
    assert half.amount == pytest.approx(2 * everybody.amount)


def test_what_has_no_price_is_named_and_not_counted(usual: tuple[Path, Verdict]) -> None:
    assert "identity checks asked for" not in lines_of(usual[0], identity_check=None)
    run = Run.load(usual[0])
    run.config["night"]["prices"]["identity_check"] = None
    facts = Facts(run)
    taken = Taken.of(facts)
    bought = money.lines(facts, taken, needs.of_night(facts), needs.peak(None))
    assert any("identity checks" in str(remark) for remark in money.not_counted(taken, bought))


def test_processors_bought_for_the_peak_cost_at_least_what_was_used(usual: tuple[Path, Verdict]) -> None:
    facts = Facts(Run.load(usual[0]))
    taken, night = Taken.of(facts), needs.of_night(facts)
    known = replace(needs.peak(night), id="cores", value=400.0, low=300.0, high=500.0)

    def processors(cores: Stated) -> money.Line:
        return next(line for line in money.lines(facts, taken, night, cores) if "vcpu_hour" in line.price_keys)

    used, bought = processors(needs.peak(None)), processors(known)
    hours = 400 / 0.7 * 117 * 1000 / 5_965_048
    assert bought.quantity == pytest.approx(hours)
    assert bought.low == pytest.approx(used.amount)
    assert bought.low <= bought.amount <= bought.high
    assert bought.price == 700 + 4 * 90, "memory comes with them"


# ---------------------------------------------------------------- all in all


@pytest.mark.parametrize(("change", "language"), [(too_slow, "id")])
def test_one_answer_stands_in_every_file_with_its_proof(
    change: Callable[[SyntheticRun], object], language: str, tmp_path: Path
) -> None:
    """verdict.json, summary and page hold the same answers, and each one's evidence is on the page."""
    of(tmp_path, change, planned=120)
    with speaking(language):
        verdict = reports.write_run(tmp_path)
        answers = [one.to_dict() for one in verdict.answer]
    assert json.loads((tmp_path / "verdict.json").read_text())["answer"] == answers
    for one in answers:
        assert set(one) == KEYS
        assert (one["value"] is None) == bool(one["why_not"])
        assert one["kind"] in KINDS and one["evidence"].startswith("#")
        assert one["value"] is None or one["confidence"] in CONFIDENCES

    page = Page((tmp_path / "report.html").read_text())
    summary = (tmp_path / "summary.md").read_text()
    assert [one["data-answer"] for one in page.having("data-answer")] == [one["id"] for one in answers]
    ids = {one["id"] for one in page.having("id")}
    assert {one["evidence"][1:] for one in answers} <= ids
    assert {one["href"][1:] for one in page.having("href")} <= ids
    text = page.text.replace(" ", "")
    for one in answers:
        shown = one["why_not"] or one["text"]
        assert shown.replace(" ", "") in text, one["id"]
        assert f"{one['what']}: {one['text']}" in summary


def numbers_in(said: Any) -> list[Told]:
    return [part for part in getattr(said, "parts", (said,)) if isinstance(part, Told)]


def test_every_number_of_an_answer_has_a_source(usual: tuple[Path, Verdict]) -> None:
    """In the record where it was measured, else in the section that shows what it was made of."""
    for one in usual[1].answer:
        if one.value is None:
            continue
        told = [*numbers_in(one.text), *numbers_in(one.interval)]
        assert told and all(number.source for number in told), one.id
        if one.kind != "measured":
            assert {number.source for number in told} == {one.evidence}


def test_the_interval_of_a_mean_holds_the_truth(tmp_path: Path) -> None:
    """Codes of 400 people who ask for one to five each: the mean of the many lies inside."""
    rng = np.random.default_rng(3)

    def some_more(run: SyntheticRun) -> None:
        asked = rng.integers(1, 6, run.planned)
        run.people["codes_asked"][:] = asked
        run.codes = {("email", "no"): np.ones(int(asked.sum()))}

    codes = by_id(of(tmp_path, some_more, planned=400))["codes"]
    assert codes.low is not None and codes.high is not None
    assert codes.low < 60 * 600 * 3 < codes.high
    assert codes.high - codes.low < 0.2 * 60 * 600 * 3
