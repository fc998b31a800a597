"""The report of a search for capacity: four files that agree, and numbers that stand in its records."""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import reports
import reports.html
from reports import answer, scalability
from reports.search import Searched
from reports.search_verdict import SearchVerdict, judge
from reports.stated import Stated
from reports.wording import speaking
from scenarios.capacity_record import Capacity, Outcome, Phase, Probe, RecordError, Search
from tests.report_sources import Sources
from tests.unit import synthetic_search
from tests.unit.test_report import Page

INVALID = Probe(8, Phase.RAMP, 160.0, 1, "probes/08", Outcome.INVALID, "the generator was late", 5, None, None)
NO_CALL = Search(40.0, 44.0, {"goodput": 20.0, "objectives": 42.0}, None, "the two methods differ by half")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search that found 42 people a second, with the runs of its probes, and its report."""
    written = synthetic_search.write(tmp_path_factory.mktemp("search"))
    reports.write(written)
    return written


def of(tmp_path: Path, capacity: Capacity) -> tuple[SearchVerdict, dict[str, Stated]]:
    """The verdict of a search whose runs are gone, and its answers by id."""
    verdict = judge(Searched.load(synthetic_search.write(tmp_path, capacity, runs=False)))
    return verdict, {one.id: one for one in verdict.answer}


def test_the_four_files_agree(folder: Path) -> None:
    verdict = judge(Searched.load(folder))
    document = json.loads((folder / "verdict.json").read_text())
    assert document == json.loads(json.dumps(verdict.to_dict()))
    assert (document["verdict"]["outcome"], document["verdict"]["exit_code"]) == ("found", 0)

    page = Page((folder / "report.html").read_text())
    (body,) = page.having("data-exit-code")
    assert (body["data-outcome"], body["data-exit-code"]) == ("found", "0")
    assert [one["data-answer"] for one in page.having("data-answer")] == [one["id"] for one in document["answer"]]
    suite = ET.parse(folder / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("8", "0", "0")
    summary = (folder / "summary.md").read_text()
    assert str(verdict.sentence) in summary and str(verdict.sentence) in page.text
    assert all(probe.why in page.text and probe.why in summary for probe in verdict.capacity.probes)


def test_what_is_called_stands_between_what_held_and_what_broke(folder: Path) -> None:
    found = {one.id: one for one in judge(Searched.load(folder)).answer}
    holds, headroom = found["holds"], found["headroom"]
    assert (holds.value, holds.low, holds.high, holds.confidence) == (42.0, 40.0, 44.0, "likely")
    assert found["needs_here"].value == pytest.approx(6.0)
    assert headroom.value == pytest.approx(42 / 6 - 1)


def test_without_a_call_the_rate_that_held_is_a_bound(tmp_path: Path) -> None:
    verdict, found = of(tmp_path, synthetic_search.search(search=NO_CALL))
    assert (verdict.outcome, verdict.exit_code) == ("no-call", 3)
    assert "the two methods differ by half" in verdict.sentence
    assert (found["holds"].low, found["holds"].high) == (40.0, None)


def test_without_anything_that_held_nothing_is_known(tmp_path: Path) -> None:
    nothing = Search(None, 10.0, {"goodput": None, "objectives": None}, None, "even 10/s broke")
    _, found = of(tmp_path, synthetic_search.search(search=nothing))
    assert found["holds"].why_not == "even 10/s broke"


def test_a_generator_at_its_end_makes_the_search_invalid(tmp_path: Path) -> None:
    """Twice at the same rate, or in the last probe of all: else it is repeated, and says nothing of how it ended."""
    probes, unsure = synthetic_search.search().probes, {"search": NO_CALL}
    assert of(tmp_path / "1", synthetic_search.search(probes=(*probes, INVALID), **unsure))[0].exit_code == 3
    few = {"order": {**synthetic_search.search().order, "most_probes": 2}, **unsure}
    last = synthetic_search.search(probes=(probes[0], INVALID), **few)
    assert of(tmp_path / "3", last)[0].exit_code == 5
    twice = synthetic_search.search(probes=(*probes, INVALID, INVALID), **unsure)
    verdict = reports.write(synthetic_search.write(tmp_path / "2", twice, runs=False))
    assert (verdict.outcome, verdict.exit_code) == ("invalid", 5)
    suite = ET.parse(tmp_path / "2" / "junit.xml").getroot()
    assert (suite.get("failures"), suite.get("skipped")) == ("1", "2")


def test_a_registration_is_measured_where_the_service_held(folder: Path, tmp_path: Path) -> None:
    """In the highest rate that held, none above the call; in another one where that folder is gone."""
    probe = Searched.load(folder).measured
    assert probe is not None
    assert (probe.number, probe.outcome) == (6, Outcome.HELD)
    left = shutil.copytree(folder, tmp_path / "left")
    for gone in ("03", "06"):
        shutil.rmtree(left / "probes" / gone)
    other = Searched.load(left).measured
    assert other is not None and other.number == 2


def test_a_search_that_has_just_begun_has_a_report(tmp_path: Path) -> None:
    begun = synthetic_search.search(probes=(), search=Search(no_call_because="it has only begun"), beyond=None,
                                    recovery=None)  # fmt: skip
    verdict = reports.write(synthetic_search.write(tmp_path, begun, runs=False))
    assert isinstance(verdict, SearchVerdict)
    assert verdict.exit_code == 3
    text = Page((tmp_path / "report.html").read_text()).text
    assert "No probe was played." in text and "because it was not played" in text


def test_a_record_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "capacity.json").write_text('{"id": 1}')
    with pytest.raises(RecordError, match=r"capacity\.json"):
        reports.write(tmp_path)


def test_a_law_is_refused_with_its_reason_and_the_line_stands(folder: Path) -> None:
    """The synthetic probes keep the same cores busy whatever comes: nothing that a law could be fitted to."""
    law = answer.law_of(Searched.load(folder))
    assert isinstance(law, scalability.Refusal) and law.reason


class Numbers(HTMLParser):
    """Every number of a page with its source and the record that the source is about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.records: list[str] = [""]
        self.found: list[tuple[str, str, float]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "div":
            self.records.append(told.get("data-record") or self.records[-1])
        if tag == "data":
            self.found.append((self.records[-1], told["data-source"] or "", float(told["value"] or "nan")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "div":
            self.records.pop()


@pytest.mark.parametrize("language", ["en", "id"])
def test_every_number_stands_in_the_record_that_it_names(folder: Path, language: str) -> None:
    """Computed again with nothing of the report: in capacity.json, or in the run of the probe that was measured."""
    text = (folder / "report.html").read_text()
    if language != "en":
        with speaking(language):
            text = reports.html.render_search(Searched.load(folder), judge(Searched.load(folder)))
    ids = {one["id"] for one in Page(text).having("id")}
    found = Numbers(text).found
    checked = 0
    for record, source, value in found:
        if source.startswith("#"):
            assert source[1:] in ids, source
            continue
        assert Sources(folder / record).value(source) == pytest.approx(value, rel=1e-6, abs=1e-9), (record, source)
        checked += 1
    assert checked > 30
    assert {record for record, _, _ in found} == {"", "probes/06"}
