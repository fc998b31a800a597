"""`launchnight calibrate`: what it writes and prints, and what it refuses."""

import json
import subprocess
import sys

import pytest

from loadtests import cli
from scenarios import calibration_file
from scenarios.simulation.__main__ import MODULES, main
from scenarios.simulation.calibrate import folders
from tests.unit.planted_service import KINDS, PlantedService


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    planted = PlantedService(minutes=3)
    planted.in_flight[:4] += [50.0, 100.0, 150.0, 200.0]
    return planted.write(tmp_path_factory.mktemp("runs") / "run")


def test_it_writes_the_file_and_prints_a_table(folder, tmp_path, capsys):
    out = tmp_path / "mine.json"
    assert main(["calibrate", str(folder), "--out", str(out), "--redraws", "20", "--quiet"]) == 0
    said = capsys.readouterr()
    written = calibration_file.load(str(out))
    assert written.name == "mine"
    assert said.err == "" and written.digest[:16] in said.out
    assert "refused 0 to 20 s: drifts: requests at the service grew by" in said.out
    for route, outcome in KINDS:
        assert f"{route} {outcome}" in said.out
    for doubt in written.doubts:
        assert f"note: {doubt}" in said.out


def test_it_prints_one_document(folder, tmp_path, capsys):
    out = tmp_path / "mine.json"
    assert main(["calibrate", str(folder), "--out", str(out), "--name", "other", "--redraws", "20", "--json"]) == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert (document["name"], document["exit_code"], document["file"]) == ("other", 0, str(out))
    assert document["digest"] == calibration_file.load(str(out)).digest
    assert "launchnight: processor time of the role web" in said.err


def test_every_option_that_cannot_be_is_named(folder, tmp_path, capsys):
    wrong = ["--window", "1", "--calm", "0", "--seed", "-1", "--redraws", "5"]
    assert main(["calibrate", str(folder), "--out", str(tmp_path / "x.json"), *wrong]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1] for line in said] == ["--window", "--calm", "--seed", "--redraws"]
    assert not (tmp_path / "x.json").exists()


def test_what_is_no_run_is_refused(tmp_path, capsys):
    assert main(["calibrate", str(tmp_path / "nowhere"), "--quiet"]) == 2
    assert "nowhere/run.json: not a readable run" in capsys.readouterr().err


def test_runs_of_other_services_do_not_go_together(folder, tmp_path, capsys):
    other = PlantedService(minutes=3, name="other")
    other.settings, other.tells_times = {"DATABASE_CONNECTIONS": "4"}, False
    runs = [str(folder), str(other.write(tmp_path / "other"))]
    assert main(["calibrate", *runs, runs[0], "--quiet"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "launchnight: planted: is given twice"
    assert said[1].startswith("launchnight: the runs differ in their settings of the service: ") and len(said) == 2


def test_a_run_without_steady_windows_names_each_and_why(tmp_path, capsys):
    planted = PlantedService(minutes=3)
    planted.tells_times, planted.busy[:] = False, 0.95
    assert main(["calibrate", str(planted.write(tmp_path / "run")), "--quiet", "--out", str(tmp_path / "x.json")]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "launchnight: planted, 0 to 20 s: saturated: a loop of the web role wanted 95% of its core"
    assert len(said) == 10
    assert said[-1] == "launchnight: 0 steady windows of 20 s; 6 are needed at least"


def test_without_times_by_route_it_says_how_to_get_them(tmp_path, capsys):
    planted = PlantedService(minutes=3)
    planted.tells_times = False
    out = tmp_path / "x.json"
    run = str(planted.write(tmp_path / "run"))
    assert main(["calibrate", run, "--quiet", "--redraws", "20", "--out", str(out)]) == 0
    assert "--service METRICS_DETAIL=calibration" in capsys.readouterr().out
    assert calibration_file.load(str(out)).times == ()


def test_a_folder_of_runs_or_of_probes_stands_for_what_is_in_it(tmp_path):
    for name in ("b", "a", "search/probes/01"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "run.json").touch()
    assert folders([tmp_path]) == [tmp_path / "a", tmp_path / "b"]
    assert folders([tmp_path / "search", tmp_path / "a"]) == [tmp_path / "search/probes/01", tmp_path / "a"]
    assert folders([tmp_path / "nothing"]) == [tmp_path / "nothing"]


def test_launchnight_passes_it_on(monkeypatch):
    """Into a process of its own; and all verbs of the simulation are verbs of the command."""
    passed = []
    monkeypatch.setattr("os.execv", lambda path, words: passed.append(words))
    cli.main(["calibrate", "runs/one", "--json", "--help"])
    program = [sys.executable, "-m", "scenarios.simulation"]
    assert passed == [[*program, "calibrate", "runs/one", "--json", "--help"]]
    assert set(MODULES) == set(cli.SIMULATION_VERBS)


def test_help_compiles_nothing():
    code = "import sys; from scenarios.simulation.__main__ import main\n"
    code += "try: main(['--help'])\nexcept SystemExit: print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "calibrate" in said
    assert not {"numba", "scipy", "numpy"} & set(said.split())
