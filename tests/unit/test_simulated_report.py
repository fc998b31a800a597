"""What a report makes of a simulated night: it says so first, shows nothing that was never measured, and adds up."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

import reports
from loadtests import cli
from reports import simulated
from reports.comparison import NotComparable, compare, load
from reports.facts import Facts
from reports.verdict import judge
from scenarios.record import Run, write_config
from scenarios.simulation.assumptions import ASSUMPTIONS
from tests.report_sources import Sources
from tests.unit.recorded_nights import recorded
from tests.unit.simulated_nights import night_of, setup_of
from tests.unit.synthetic_run import SyntheticRun

FEW = 4
LARGEST = 250_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("runs") / "night-simulated"
    recorded(found, setup_of(night_of()), FEW)
    return found


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    reports.write(folder)
    return (folder / "report.html").read_text()


def changed(folder: Path, to: Path, **config: Any) -> Path:
    """A copy of the record with another run.json."""
    to.mkdir(parents=True)
    for name in ("people.npz", "samples.npz", "events.jsonl"):
        (to / name).write_bytes((folder / name).read_bytes())
    write_config(to, {**json.loads((folder / "run.json").read_text()), "id": to.name, **config})
    return to


def test_the_first_page_says_that_nothing_was_measured(page: str, folder: Path) -> None:
    header = page.split("</header>")[0]
    assert "simulated night" in header
    assert "This night was simulated person by person, not rehearsed: nothing here was measured." in header
    assert "from the defaults" in header and "Played with web processes" in header
    assert all(one in header for one in ASSUMPTIONS)
    assert "onlookers: not simulated" in header
    assert "Simulated: nothing of this was measured." in (folder / "summary.md").read_text()
    assert json.loads((folder / "verdict.json").read_text())["simulated"] is True


def test_it_says_so_in_indonesian(folder: Path, tmp_path: Path) -> None:
    own = changed(folder, tmp_path / "own")
    reports.write(own, "id")
    text = (own / "report.html").read_text()
    assert "Malam ini disimulasikan orang demi orang, bukan diuji" in text
    assert "nothing here was measured" not in text and ASSUMPTIONS[0] not in text


def test_a_calibration_is_named_with_its_digest(folder: Path, tmp_path: Path) -> None:
    simulation = json.loads((folder / "run.json").read_text())["simulation"]
    simulation["calibration"] = {"name": "two-cores", "digest": "0123456789abcdef" * 4}
    shown = simulated.told(Facts(Run.load(changed(folder, tmp_path / "own", simulation=simulation))))
    assert shown is not None
    assert "the calibration two-cores (digest 0123456789ab)" in " ".join(shown["sentences"])


def test_what_only_a_measurement_can_show_is_not_there(page: str) -> None:
    for section in ("generator", "little", "scalability", "methods", "lateness"):
        assert f'id="{section}"' not in page, section
    for section in ("simulated", "ledgers", "travelers", "cpu", "work", "objectives", "why"):
        assert f'id="{section}"' in page, section
    assert "generator late" not in page and "ms late" not in page
    assert "client gone at the door" not in page
    assert len(page.encode()) <= LARGEST


def test_answers_are_simulated_or_scaled(folder: Path) -> None:
    found = [one for one in judge(Run.load(folder)).answer if one.value is not None]
    assert {one.kind for one in found} <= {"simulated", "scaled"} and "simulated" in {one.kind for one in found}


def test_each_number_is_what_its_source_says(page: str, folder: Path) -> None:
    sources = Sources(folder)
    told = re.findall(r'<data value="([^"]+)" data-source="([^"]+)">', page)
    checked = 0
    for value, source in told:
        if not source.startswith("#") and not math.isnan(float(value)):
            plain = source.replace("&#39;", "'").replace("&gt;", ">")
            assert sources.value(plain) == pytest.approx(float(value), rel=1e-6), source
            checked += 1
    assert checked > 100


def test_a_broken_law_makes_the_run_invalid(folder: Path, tmp_path: Path) -> None:
    simulation = json.loads((folder / "run.json").read_text())["simulation"]
    assert judge(Run.load(folder)).exit_code != 5
    simulation["broken_laws"] = ["web: servers were there for 3 us, busy or idle for 2"]
    verdict = judge(Run.load(changed(folder, tmp_path / "own", simulation=simulation)))
    assert (verdict.exit_code, verdict.outcome) == (5, "invalid")
    assert "a law that every simulated night must keep was broken" in verdict.sentence


def test_late_people_are_no_business_of_a_simulation(folder: Path) -> None:
    facts = Facts(Run.load(folder))
    assert facts.is_simulated and facts.step_s == 60.0
    verdict = judge(facts.run)
    assert verdict.generator is None and verdict.lateness_ms["p99"] is None


# ---------------------------------------------------------------- comparisons


def test_two_simulated_nights_are_compared(folder: Path, tmp_path: Path) -> None:
    again = changed(folder, tmp_path / "again", seed=2)
    (one,) = compare([[load(folder)], [load(again)]])
    assert one.unlike == [] and one.call == "no call"


def test_other_resources_are_another_night(folder: Path, tmp_path: Path) -> None:
    simulation = json.loads((folder / "run.json").read_text())["simulation"]
    simulation["resources"]["web"] = 39
    fewer = changed(folder, tmp_path / "fewer", simulation=simulation)
    with pytest.raises(NotComparable, match=r"simulation\.resources\.web: 40 and 39"):
        compare([[load(folder)], [load(fewer)]])


def test_a_simulated_and_a_measured_night_are_not_mixed_silently(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = SyntheticRun().write(tmp_path / "measured")
    assert cli.main(["compare", str(folder), str(measured)]) == 2
    assert "unlike in simulated: True and False" in capsys.readouterr().err
    cli.main(["compare", str(folder), str(measured), "--unlike"])
    assert "One side was simulated, the other measured" in capsys.readouterr().out
