"""The written report: four files that agree, one page that needs nothing but itself."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import reports
from reports.verdict import judge
from reports.wording import clock, number, percent, seconds
from scenarios import catalogue
from scenarios.record import Fate, RecordError, Run
from tests.unit.synthetic_run import SyntheticRun

SIZE_LIMIT_BYTES = 250_000
VOID = {"meta", "br", "img", "link", "hr", "input", "path", "use"}


class Page(HTMLParser):
    """Reads a page, insists that every element is closed in order, and collects what tests ask for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("td", "th", "tr"):
            self._end({"td", "th"} if tag != "tr" else {"td", "th", "tr"})
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def _end(self, these: set[str]) -> None:
        """Cells and rows may leave out their ends."""
        while self.open and self.open[-1] in these:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in ("thead", "tbody"):
            self._end({"td", "th", "tr"})
        assert self.open and self.open.pop() == tag, f"</{tag}> at {self.getpos()} closes nothing"

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def having(self, name: str) -> list[dict[str, str]]:
        return [attributes for _, attributes in self.elements if name in attributes]


def everything_wrong(run: SyntheticRun) -> None:
    run.config["ended"] = "limit"
    run.config["exits"][0] = {"role": "web", "code": -9, "expected": False}
    run.config["ledgers"]["accounts"].update(database=598, difference=2)
    run.people["fate"][-100:] = Fate.FAILED
    run.people["started"][:12] += 0.05
    run.outcomes["answers", "error"] = 300.0
    run.people["wait"][:] = np.nan
    run.events = [
        {"t": 60.0, "kind": "fault", "name": "slow & <late>", "edge": "start", "target": "email"},
        {"t": 90.0, "kind": "fault", "name": "slow & <late>", "edge": "end", "target": "email"},
    ]


def nothing_wrong(run: SyntheticRun) -> None:
    """The baseline."""


@pytest.mark.parametrize("change", [nothing_wrong, everything_wrong])
def test_the_four_files_and_the_exit_code_agree(change: Callable[[SyntheticRun], None], tmp_path: Path) -> None:
    """One verdict object feeds them all; here they are read back and compared member by member."""
    run = SyntheticRun()
    change(run)
    verdict = reports.write_run(run.write(tmp_path))
    expected = {one.id: one.met for one in verdict.objectives}
    findings = [(finding.subject, finding.text) for finding in verdict.findings]

    document = json.loads((tmp_path / "verdict.json").read_text())
    assert document == json.loads(json.dumps(verdict.to_dict()))
    assert (document["verdict"]["outcome"], document["verdict"]["exit_code"]) == (verdict.outcome, verdict.exit_code)
    assert {one["id"]: one["met"] for one in document["verdict"]["objectives"]} == expected
    assert sum(document["fates"].values()) == document["planned"]

    page = Page((tmp_path / "report.html").read_text())
    (body,) = page.having("data-exit-code")
    assert (body["data-outcome"], body["data-exit-code"]) == (verdict.outcome, str(verdict.exit_code))
    shown = {one["data-objective"]: json.loads(one["data-met"]) for one in page.having("data-objective")}
    assert shown == expected
    assert [one["data-finding"] for one in page.having("data-finding")] == [subject for subject, _ in findings]
    assert all(text in page.text for _, text in findings)
    assert all(one.detail in page.text for one in verdict.objectives)

    suite = ET.parse(tmp_path / "junit.xml").getroot()
    cases = {case.get("classname", "").removeprefix("launchnight."): case for case in suite.iter("testcase")}
    assert {name for name, case in cases.items() if case.find("failure") is not None} == {s for s, _ in findings}
    assert {name for name, case in cases.items() if case.find("skipped") is not None} == {
        name for name, met in expected.items() if met is None
    }
    assert suite.get("tests") == str(len(cases))
    assert {one.get("name"): one.get("value") for one in suite.iter("property")} == {
        "outcome": verdict.outcome,
        "exit_code": str(verdict.exit_code),
    }

    summary = (tmp_path / "summary.md").read_text()
    assert f"**{verdict.outcome.replace('-', ' ')}** (exit code {verdict.exit_code})" in summary
    marks = {True: "met", False: "**missed**", None: "not judged"}
    assert all(f"| {one.text} | {marks[one.met]} | {one.value_text} |" in summary for one in verdict.objectives)
    assert all(f"- {finding.code}: {finding.text}" in summary for finding in verdict.findings)


def test_everything_wrong_is_everything_listed(tmp_path: Path) -> None:
    run = SyntheticRun()
    everything_wrong(run)
    verdict = judge(Run.load(run.write(tmp_path)))
    subjects = [finding.subject for finding in verdict.findings]
    assert subjects == ["lost", "generator", "processes", "server_error_ratio", "admitted_joined_ratio"]
    assert verdict.exit_code == 6


@pytest.fixture(scope="module")
def page_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a run in which much went wrong, sampled as densely as the harness does."""
    run = SyntheticRun()
    everything_wrong(run)
    folder = run.write(tmp_path_factory.mktemp("run"), scrape_s=2.0)
    reports.write(folder)
    return (folder / "report.html").read_text()


def test_the_page_is_small_and_fetches_nothing(page_text: str) -> None:
    assert len(page_text.encode()) <= SIZE_LIMIT_BYTES
    page = Page(page_text)
    assert {"script", "link", "img", "iframe", "object"}.isdisjoint(tag for tag, _ in page.elements)
    assert not re.search(r"https?://|//[a-z]|url\((?!#)|@import", page_text)
    assert all(value.startswith("#") for attributes in page.having("href") for value in [attributes["href"]])


def test_every_figure_has_words_and_a_table(page_text: str) -> None:
    page = Page(page_text)
    figures = [attributes["id"] for tag, attributes in page.elements if tag == "figure"]
    assert figures[:6] == ["people", "funnel", "responses", "queues", "processors", "lateness"]
    assert "goodput" in figures
    images = [attributes for attributes in page.having("role") if attributes["role"] == "img"]
    assert len(images) == len(figures)
    assert all(len(image["aria-label"]) > 30 for image in images)
    assert [tag for tag, _ in page.elements].count("details") >= len(figures)
    ids = [attributes["id"] for attributes in page.having("id")]
    assert len(ids) == len(set(ids))


def test_lines_are_short_and_text_is_text(page_text: str) -> None:
    paths = re.findall(r' d="([^"]*)"', page_text)
    longest = max(len(re.findall(r"-?[\d.]+", path)) // 2 for path in paths if "C" not in path)
    assert 20 < longest <= 200
    assert "<text" in page_text
    assert "minutes since the doors opened" in page_text
    assert "font-family" not in "".join(re.findall(r"<svg.*?</svg>", page_text, flags=re.DOTALL))


def test_colors_come_from_the_page(page_text: str) -> None:
    """A color that is not a variable would vanish in dark mode."""
    (style,) = re.findall(r"<style>(.*?)</style>", page_text, flags=re.DOTALL)
    looks = dict(re.findall(r"\.(v[a-z]{2})\{([^}]*)\}", style))
    drawings = "".join(re.findall(r"<svg.*?</svg>", page_text, flags=re.DOTALL))
    assert set(re.findall(r'class="([^"]*)"', drawings)) == looks.keys(), "each look has a rule, and each rule is used"
    assert any("var(--c1)" in look for look in looks.values())
    assert not re.search(r"(fill|stroke): ?#", drawings + style)


def test_names_are_escaped(page_text: str) -> None:
    assert "slow &amp; &lt;late&gt;" in page_text
    assert "<late>" not in page_text


def test_the_page_says_what_it_must(page_text: str) -> None:
    text = Page(page_text).text
    for words in ("TLS is not included", "extrapolated", "scaled", "What this run does not tell", "e-mail verified",
                  "first code verified", "knee not searched for", "judged from 200 on"):  # fmt: skip
        assert words in text, words


def test_the_same_record_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = SyntheticRun(planned=100).write(tmp_path)
    names = ("report.html", "verdict.json", "summary.md", "junit.xml")
    reports.write(folder)
    first = {name: (folder / name).read_bytes() for name in names}
    reports.write(folder)
    assert {name: (folder / name).read_bytes() for name in names} == first
    assert sorted(path.name for path in folder.iterdir()) == sorted([*names, "people.npz", "run.json", "samples.npz"])


@pytest.mark.parametrize("ended", ["not-ready", "interrupted"])
def test_a_run_that_hardly_began_still_has_a_report(ended: str, tmp_path: Path) -> None:
    run = SyntheticRun(planned=50)
    run.config.update(ended=ended, ledgers={}, cpu_s={}, last_arrival_s=0.0, played_s=0.0)
    run.write(tmp_path)
    (tmp_path / "people.npz").unlink()
    (tmp_path / "samples.npz").unlink()
    verdict = reports.write_run(tmp_path)
    page = Page((tmp_path / "report.html").read_text())
    assert verdict.sentence in page.text
    assert "nothing to draw" not in page.text or "figure" not in [tag for tag, _ in page.elements]
    assert "The run ended before the audit." in page.text


def test_reasons_of_the_night_and_gaps_of_the_record_are_printed(tmp_path: Path) -> None:
    """A loosened objective says why; a process whose metrics could never be read is named."""
    run = SyntheticRun(planned=100, unread=("worker",))
    run.config["night"]["objectives"]["api_p95_s"] = 2.0
    run.config["night"]["objective_reasons"] = {"api_p95_s": "phones of 2013"}
    reports.write(run.write(tmp_path))
    text = Page((tmp_path / "report.html").read_text()).text
    assert "Loosened: phones of 2013" in text
    assert "What worker (127.0.0.1:3) measured: not known, because its metrics could never be read." in text
    assert "because phones of 2013" in (tmp_path / "summary.md").read_text()


def test_the_night_of_the_catalogue_fits(tmp_path: Path) -> None:
    """The real night file: its funnel, its objectives, its figures with what their sources stand for."""
    run = SyntheticRun(planned=100)
    run.config["night"] = json.loads(json.dumps(catalogue.load("prakerja-wave-1").to_dict()))
    verdict = reports.write_run(run.write(tmp_path))
    content = (tmp_path / "report.html").read_text()
    text = Page(content).text
    assert [one.bound for one in verdict.objectives] == [1.0, 3.0, 0.001, 0.95, 0.99, 1.1, 0.95, 0.75, 0, 0]
    for words in ("April 2020 after 21 h", "April 2020 after 117 h", "74.2 %", "43.6 %", "5.4 %", "34.8 %",
                  "partners.prepared.email.rate_per_s", "The committee's statement on the first 21 hours"):  # fmt: skip
        assert words in text, words
    assert "partners.as-launched" not in text
    assert len(content.encode()) <= SIZE_LIMIT_BYTES


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"run\.json: not a readable run"):
        reports.write(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (percent(0.954), "95.4 %"),
        (percent(1.0), "100 %"),
        (percent(0.1), "10 %"),
        (percent(None), "–"),
        (seconds(0.00421), "4.21 ms"),
        (seconds(0.9999), "1 s"),
        (seconds(72.34), "72.3 s"),
        (seconds(float("inf")), "beyond the last edge"),
        (number(1336.4), "1,336"),
        (number(0), "0"),
        (number(0.0123), "0.0123"),
        (clock(754), "0:12:34"),
    ],
)
def test_numbers_as_people_read_them(text: str, expected: str) -> None:
    assert text == expected
