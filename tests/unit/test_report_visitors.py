"""What a report says of people without JavaScript and of people who only look."""

from pathlib import Path

from loadtests.crowd import ROUTE_NAMES
from loadtests.pages.way import ROUTES
from reports import tables
from reports.facts import Facts
from reports.responses import ORDER, is_upload
from scenarios.record import Run
from tests.unit.synthetic_run import SyntheticRun


def told(run: SyntheticRun, folder: Path) -> dict[str, str]:
    return {row[0]: row[1] for row in tables.configuration(Facts(Run.load(run.write(folder)))).rows}


def test_both_stand_in_the_table_of_the_run(tmp_path: Path) -> None:
    """And neither does where there was nobody, as in records of before."""
    run = SyntheticRun()
    run.config["night"]["population"] = {"without_javascript": 0.25}
    seen = {"planned": 70, "arrived": 68, "read": 60, "turned_away": 5, "cut": 3, "requests": 320}
    run.config["swarm"] = {"onlookers": seen}
    rows = told(run, tmp_path / "with")
    assert rows["by pages, without JavaScript"] == "25 % of the people"
    assert rows["only looked"] == "68 of 70 came: 60 read, 5 turned away, 3 cut off; 320 requests"
    run.config["night"]["population"].pop("without_javascript")
    run.config["swarm"] = {}
    assert not {"only looked", "by pages, without JavaScript"} & told(run, tmp_path / "without").keys()


def test_every_route_of_the_swarm_has_its_place_and_photos_are_judged_apart() -> None:
    assert {*ROUTE_NAMES, *ROUTES} - {"files-put"} == set(ORDER)
    assert [route for route in ROUTES if is_upload(route)] == ["files-form"]
