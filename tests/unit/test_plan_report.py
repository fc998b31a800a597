"""The page of a plan: it says that it is simulated, in both languages, and every number stands in the record."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

import reports
from loadtests import cli
from scenarios.plan_record import Band, Plan
from scenarios.simulation.planning.knobs import KNOBS
from tests.report_sources import Sources
from tests.unit.test_plan_parts import outcome
from tests.unit.test_planner import Written, planned
from tests.unit.test_report import SIZE_LIMIT_BYTES, Page

BANDS = (
    Band("web", "mean wait, s", "M/G/c", 0.0, 0.01, 0.002, True),
    Band("gate", "longest line, people", "fluid", 100.0, 900.0, 1200.0, False),
)


def whole(plan: Plan) -> Plan:
    return replace(plan, id="synthetic", calibration="figures measured by hand", bands=BANDS,
                   unjudged=("lost", "window.x.api_p95_s"),
                   versions={"launchnight": "0.1"}, runs_cpu_s=12.5)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("plan")
    whole(planned(Written())).write(found)
    return found


@pytest.fixture(scope="module", params=reports.LANGUAGES)
def page(request: pytest.FixtureRequest, folder: Path) -> Page:
    reports.write(folder, request.param)
    text = (folder / "report.html").read_text()
    assert len(text.encode()) < SIZE_LIMIT_BYTES
    assert f'<html lang="{request.param}">' in text
    return Page(text)


def test_the_answer_comes_first_and_every_part_says_that_it_is_simulated(page: Page) -> None:
    (body,) = page.having("data-exit-code")
    assert (body["data-outcome"], body["data-exit-code"]) == ("found", "0")
    assert [one["data-knob"] for one in page.having("data-knob")] == list(KNOBS)
    text = " ".join(page.text.split()).lower()
    assert text.count("simulated") + text.count("simulasi") > 15


def test_every_number_stands_in_the_record(page: Page, folder: Path) -> None:
    sources = Sources(folder)
    told = page.having("data-source")
    assert len(told) > 100
    for one in told:
        value = sources.value(one["data-source"])
        assert math.isclose(float(one["value"]), value, rel_tol=1e-6, abs_tol=1e-9), one


def test_the_four_files_agree(folder: Path) -> None:
    verdict = reports.write(folder)
    document = json.loads((folder / "verdict.json").read_text())
    assert document == json.loads(json.dumps(verdict.to_dict()))
    assert document["simulated"] is True
    summary = (folder / "summary.md").read_text()
    assert document["verdict"]["sentence"] in summary and document["verdict"]["sentence"].startswith("Simulated: ")
    assert 'failures="0"' in (folder / "junit.xml").read_text()


def test_a_plan_that_found_nothing_has_its_page(tmp_path: Path) -> None:
    whole(planned(Written(), most=1.0)).write(tmp_path)
    for language in reports.LANGUAGES:
        verdict = reports.write(tmp_path, language)
        assert verdict.exit_code == 3
        assert 'data-outcome="not-found"' in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(("language", "words"), [
    ("en", ("could be less: 16 holds, too", "the least there is to choose", "without protections, is not known")),
    ("id", ("bisa kurang: 16 juga", "pilihan yang paling kecil",
            "pada inti basis data yang meruntuhkannya, berhenti, tanpa perlindungan, tidak diketahui: antrean tanpa")),
])  # fmt: skip
def test_what_less_does_and_what_could_not_be_played_stand_on_the_page(
    tmp_path: Path, language: str, words: tuple[str, ...]
) -> None:
    found = whole(planned(Written(unbounded=True)))
    changed = {"database": {"breaks": ""}, "web": {"breaks_at": None, "breaks": ""}}
    settings = tuple(replace(one, **changed.get(one.knob, {})) for one in found.found)  # type: ignore[arg-type]
    replace(found, found=settings).write(tmp_path)
    reports.write(tmp_path, language)
    text = " ".join(Page((tmp_path / "report.html").read_text()).text.split())
    assert [each for each in words if each not in text] == []
    assert text.count(words[0][:10]) == text.count(words[1]) == 1


def test_what_was_not_played_leaves_its_part_out(tmp_path: Path) -> None:
    bare = replace(whole(planned(Written())), beside=None, beside_not_known_because="a queue without a bound "
                                                                                    "outgrew its room",
                   proof=None, tips=(), frontiers=(), sensitivities=(), bands=())  # fmt: skip
    bare.write(tmp_path)
    reports.write(tmp_path)
    text = Page((tmp_path / "report.html").read_text()).text
    assert "outgrew its room" in text and "How sure" not in text


def test_an_outcome_comes_back_from_its_document() -> None:
    told = outcome(broken_laws=("x",))
    assert type(told).from_dict(json.loads(json.dumps(told.to_dict()))) == told


def test_a_page_that_is_written_anew_is_told_on_the_screen(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", str(folder), "--language", "id"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("found: Hasil simulasi")
    assert str(folder / "report.html") in told.replace("\n", "")
    assert cli.main(["report", str(folder), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"]["outcome"] == "found"
    assert document["report"] == str(folder / "report.html")
