"""`launchnight arrivals`: the plan in figures, as bars and as a picture, and what is wrong with it in lines."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from loadtests import cli, curve_drawing
from scenarios import catalogue

NIGHT = "prakerja-wave-1"


def figures(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    assert cli.main(["arrivals", NIGHT, "--json", *options]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_the_plan_is_that_of_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Same options, same hash; how many workers play it is another thing."""
    asked = ("--reading", "harsh", "--people", "1/500", "--minutes", "3")
    one = figures(capsys, *asked, "--workers", "1")
    assert one["plan_hash"] == figures(capsys, *asked, "--workers", "16", "--pace", "1")["plan_hash"]
    assert one["plan_hash"] != figures(capsys, *asked, "--seed", "2")["plan_hash"]
    assert one["planned"] == int(catalogue.load(NIGHT).curve.reading("harsh").cumulative(180.0) / 500)
    assert set(one) == {"planned", "plan_hash", "first_s", "last_s", "busiest_second", "busiest_minute", "needs"}


def test_the_plan_is_drawn_on_the_screen_and_in_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "plan.svg"
    assert cli.main(["arrivals", NIGHT, "--arrivals", "steps:5x60,20x60", "--svg", str(path)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "planned 1,500 applicants" in out
    assert "shards 240, of 6 to 7 applicants" in out
    assert "█" in out and "the generator needs" in out
    root = ElementTree.fromstring(path.read_text())
    assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) == 2


@pytest.mark.parametrize("due", [[], [0.0], [5.0, 5.0, 5.0], [0.0, 200.0, 40_000.0]])
def test_a_picture_of_few_is_well_formed(due: list[float]) -> None:
    """Nobody, one at the opening, all at once: inside the picture, without a number that is none."""
    text = curve_drawing.plan_svg(np.array(due), "a < b")
    root = ElementTree.fromstring(text)
    for line in root.findall("{http://www.w3.org/2000/svg}polyline"):
        points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        assert all(0 <= x <= curve_drawing.WIDTH and 0 <= y <= curve_drawing.HEIGHT for x, y in points)
    assert "nan" not in text and "inf" not in text


def test_all_that_is_wrong_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = ["--arrivals", "constant:x", "--speed", "fast", "--people", "0", "--workers", "-1"]
    assert cli.main(["arrivals", NIGHT, *wrong]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1].strip() for line in lines] == ["--speed", "--workers", "--arrivals", "--people"]


def test_too_many_people_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["arrivals", NIGHT, "--arrivals", "constant:999999"]) == 2
    assert "take fewer people" in capsys.readouterr().err


def test_a_picture_that_cannot_be_written_is_one_clear_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["arrivals", NIGHT, "--people", "1/1000", "--svg", str(tmp_path / "none" / "plan.svg")]) == 2
    assert "name another file with --svg" in capsys.readouterr().err
