"""What is asked for is checked as a whole, before anything starts."""

import json
import os
from argparse import Namespace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from loadtests.cli import parser
from loadtests.harness import proxy, swarm, tried_settings
from loadtests.harness.errors import Refusal
from loadtests.harness.order import order_of
from loadtests.harness.programs import Programs
from loadtests.harness.run_folder import RunFolder
from loadtests.harness.stack import OwnStack
from scenarios import catalogue
from scenarios.factors import queue_limits, scaled

NIGHT = "prakerja-wave-1"
CORE = min(os.sched_getaffinity(0))
NIGHT_TEXT = (Path(catalogue.__file__).parent / "nights" / f"{NIGHT}.toml").read_text()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def options(*arguments: str) -> Namespace:
    return parser().parse_args(["rehearse", *arguments])


def test_defaults_are_those_of_the_help_and_of_the_night() -> None:
    order = order_of(options(NIGHT))
    assert (order.set_name, order.reading, order.seed, order.workers) == ("prepared", "expected", 1, 1)
    assert order.factors.people == Fraction(1, 100)
    assert (order.factors.speed, order.factors.pace, order.minutes, order.drain_limit_s) == (1, 20, 5, 720)
    assert order.plan.planned > 0 and order.last_arrival_s < 300
    assert order.disk_cap_bytes == 8_000_000_000


def test_every_fault_of_the_command_line_is_named_at_once() -> None:
    wrong: dict[str, str] = {
        "--people": "1/0", "--speed": "0", "--pace": "fast", "--minutes": "-1", "--drain-minutes": "nan",
        "--seed": "1.5", "--workers": "0", "--disk-cap-gb": "0", "--prometheus": "yes", "--reading": "wild",
        "--set": "dreamt",
    }  # fmt: skip
    with pytest.raises(Refusal) as refusal:
        order_of(options(NIGHT, *(word for pair in wrong.items() for word in pair)))
    assert sorted(fault.split(":")[0] for fault in refusal.value.faults) == sorted(wrong)


def test_a_night_that_is_not_there_is_refused_together_with_the_rest() -> None:
    with pytest.raises(Refusal) as refusal:
        order_of(options("no-such-night", "--speed", "0"))
    assert len(refusal.value.faults) == 2 and "no-such-night" in str(refusal.value)


def test_a_night_file_is_refused_with_file_line_and_key(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\ncolour = "red"\n')
    with pytest.raises(Refusal) as refusal:
        order_of(options(str(path)))
    assert any(fault.startswith(f"{path}:2: colour:") for fault in refusal.value.faults)
    assert len(refusal.value.faults) > 1


def test_arrivals_are_taken_as_they_are_named(tmp_path: Path) -> None:
    """Instead of the curve, at full scale and for as long as they last unless people and minutes are given."""
    path = tmp_path / "recorded.csv"
    path.write_text("at_s\n0.5\n4.25\n")
    order = order_of(options(NIGHT, "--arrivals", "recorded.csv", "--steps", "2", "--spacing", "exact"))
    assert (order.arrivals, order.steps, order.spacing) == (str(path), 2, "exact")
    assert order.plan.due.tolist() == [0.5, 4.25]
    assert order.factors.people == 1
    path.rename(tmp_path / "RECORDED.CSV")
    assert order_of(options(NIGHT, "--arrivals", "RECORDED.CSV")).arrivals == str(tmp_path / "RECORDED.CSV")
    order = order_of(options(NIGHT, "--arrivals", "constant:50", "--minutes", "2", "--people", "1/10"))
    assert (order.arrivals, order.plan.planned, order.minutes) == ("constant:50", 600, 2.0)


def test_what_the_generator_needs_is_told_and_recorded() -> None:
    """Before the start on the screen, and with what was asked for in the record."""
    order = order_of(options(NIGHT, "--arrivals", "constant:2000", "--minutes", "1", "--steps", "20", *RUNNING))
    told = swarm.needed(order)
    assert "the generator needs" in told[0] and "this machine has" in told[1]
    folder = RunFolder(order)
    folder.write_config()
    written = json.loads((folder.path / "run.json").read_text())
    assert written["needs"] == order.needs.to_dict()
    assert (written["arrivals"], written["steps"], written["spacing"]) == ("constant:2000", 20, "random")


def test_faults_of_arrivals_are_named_with_the_rest(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("at_s\nx\ny\n")
    wrong = ["--arrivals", "bad.csv", "--spacing", "even", "--steps", "-1"]
    with pytest.raises(Refusal) as refusal:
        order_of(options(NIGHT, *wrong))
    assert list(refusal.value.faults) == [
        "--arrivals: bad.csv:2: at_s: must be a number, not 'x'",
        "--arrivals: bad.csv:3: at_s: must be a number, not 'y'",
        "--spacing: must be one of random, exact, not 'even'",
        "--steps: must be from 0 to 1000, not -1",
    ]


def test_a_plan_without_people_is_refused() -> None:
    with pytest.raises(Refusal, match="nobody arrives"):
        order_of(options(NIGHT, "--people", "1/10000000", "--minutes", "1"))


def test_a_plan_too_big_for_the_disk_cap_is_refused() -> None:
    with pytest.raises(Refusal, match="--disk-cap-gb"):
        order_of(options(NIGHT, "--people", "1", "--minutes", "5"))


def test_people_who_leave_before_their_photos_need_no_room_for_them() -> None:
    """A million short visits fit where as many journeys would not."""
    many = (NIGHT, "--arrivals", "constant:3000", "--minutes", "5")
    assert order_of(options(*many, "--steps", "9")).plan.planned == 900_000
    with pytest.raises(Refusal, match="--disk-cap-gb"):
        order_of(options(*many, "--steps", "10"))


def test_a_folder_that_cannot_be_made_is_refused_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match=r"file/runs: cannot be made .*--runs"):
        order_of(options(NIGHT, "--runs", str(tmp_path / "file" / "runs")))


def test_the_seed_changes_the_plan_and_only_the_seed() -> None:
    def hash_of(*more: str) -> Any:
        return order_of(options(NIGHT, "--people", "1/5000", *more)).plan.hash

    assert hash_of() == hash_of("--workers", "3") == hash_of("--pace", "60")
    assert hash_of() != hash_of("--seed", "2")


@pytest.mark.parametrize("port", ["99999", "abc", "0", "-1"])
def test_a_server_at_an_impossible_port_is_refused_with_the_rest(port: str) -> None:
    with pytest.raises(Refusal) as refusal:
        order_of(options(NIGHT, "--prometheus", f"http://127.0.0.1:{port}", "--speed", "0"))
    assert sorted(fault.split(":")[0] for fault in refusal.value.faults) == ["--prometheus", "--speed"]


def test_a_possible_port_is_taken() -> None:
    assert order_of(options(NIGHT, "--prometheus", "http://127.0.0.1:65535/")).prometheus == "http://127.0.0.1:65535"


@pytest.mark.parametrize(("option", "least"), [("--minutes", "more than 0"), ("--disk-cap-gb", "at least 0.1")])
def test_a_figure_that_is_too_great_is_told_the_bound(option: str, least: str) -> None:
    with pytest.raises(Refusal, match=f"{option}: must be {least} and less than 1,000,000,000, not 1e9"):
        order_of(options(NIGHT, option, "1e9"))


RUNNING = ("--target", "http://127.0.0.1:8080/", "--partners", "http://127.0.0.1:8100")


def test_a_running_stack_is_taken_as_it_is_named() -> None:
    running = order_of(
        options(NIGHT, *RUNNING, "--ledger", "psql -c 'select 1'", "--metrics", "http://localhost:1/metrics")
    ).running
    assert running is not None
    assert (running.target, running.partners) == ("http://127.0.0.1:8080", "http://127.0.0.1:8100")
    assert running.ledger == ("psql", "-c", "select 1")
    assert [(one.job, one.instance) for one in running.metrics] == [("service", "localhost:1")]
    assert order_of(options(NIGHT)).running is None


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["--replicas", "2"], ["--replicas"]),
        (["--replicas", "9", "--proxy", "haproxy"], ["--replicas", "--proxy"]),
        (["--partners", "http://127.0.0.1:1", "--metrics", "http://127.0.0.1:2"], ["--partners", "--metrics"]),
        ([*RUNNING, "--keep-photos", "--replicas", "2"], ["--keep-photos", "--replicas"]),
        ([*RUNNING[:2]], ["--partners"]),
        ([*RUNNING, "--service", "DATABASE_CONNECTIONS=4"], ["--service"]),
        (["--service", "DATABASE_CONNECTIONS", "--service", "EMAIL_RATE=5"], ["--service", "--service"]),
        (["--service", "REGISTRATION_SECRET_KEY=00"], ["--service"]),
        (["--service", "OPERATOR_TOKEN=00"], ["--service"]),
        (["--service", "DATABASE_CONNECTIONS=4", "--service", "REGISTRATION_DATABASE_CONNECTIONS=5"], ["--service"]),
        ([*RUNNING, "--pin", f"service={CORE}"], ["--pin"]),
        (["--pin", "web", "--pin", "prometheus=0", "--pin", "web=2-1", "--pin", "web=4095"], ["--pin"] * 4),
        (["--pin", f"web={CORE}", "--pin", f"service={CORE}"], ["--pin"]),
        ([*RUNNING, "--ledger", "echo 'half"], ["--ledger"]),
        ([*RUNNING, "--ledger", " "], ["--ledger"]),
        ([*RUNNING, "--metrics", "https://127.0.0.1:1", "ftp://127.0.0.1"], ["--metrics", "--metrics"]),
        (["--target", "http://127.0.0.1/api", "--partners", "127.0.0.1:8100"], ["--target", "--partners"]),
        (["--target", "http://127.0.0.1?x", "--partners", "http://127.0.0.1#x"], ["--target", "--partners"]),
        (["--target", "http://no-such-host.invalid", *RUNNING[2:]], ["--target"]),
    ],
)
def test_what_does_not_go_together_is_refused_with_every_fault(given: list[str], named: list[str]) -> None:
    with pytest.raises(Refusal) as refusal:
        order_of(options(NIGHT, *given))
    assert sorted(fault.split(":")[0] for fault in refusal.value.faults if fault.startswith("--")) == sorted(named)


def test_a_setting_is_tried_under_either_of_its_names() -> None:
    order = order_of(options(NIGHT, "--service", "DATABASE_CONNECTIONS=4", "--service", "REGISTRATION_WAVE_ID=2"))
    assert order.tried == {"DATABASE_CONNECTIONS": "4", "WAVE_ID": "2"}


def test_the_service_is_held_to_cores_as_a_whole_or_role_by_role() -> None:
    order = order_of(options(NIGHT, "--pin", f"service={CORE}", "--pin", f"swarm={CORE}-{CORE}"))
    assert order.pins.to_dict() == dict.fromkeys(("gatekeeper", "swarm", "web", "worker"), str(CORE))
    assert not order_of(options(NIGHT)).pins


def test_what_the_rehearsal_sets_itself_cannot_be_tried(tmp_path: Path) -> None:
    """The list is what the stack really sets, but for the database, whose setting bears another name."""
    order = order_of(options(NIGHT))
    folder = RunFolder(order)
    partners, _ = scaled(order.partners, order.factors)
    limits, _ = queue_limits(order.partners, order.factors)
    own = OwnStack(order, folder, Programs(folder.logs), partners, limits).settings(0.0)
    folder.discard()
    names = {name.removeprefix("REGISTRATION_") for name in own} - {"DATABASE_URL"}
    assert names == {*tried_settings.OF_THE_NIGHT, *tried_settings.OF_THE_REHEARSAL}


def test_no_password_comes_into_the_record() -> None:
    with pytest.raises(Refusal) as refusal:
        order_of(options(NIGHT, "--target", "http://me:opensesame@127.0.0.1:8080", *RUNNING[2:]))
    assert "without user name and password" in str(refusal.value) and "opensesame" not in str(refusal.value)


def test_an_address_is_kept_without_what_ends_it() -> None:
    running = order_of(options(NIGHT, "--target", "http://127.0.0.1:1/?", "--partners", "http://127.0.0.1:2#")).running
    assert running is not None
    assert (running.target, running.partners) == ("http://127.0.0.1:1", "http://127.0.0.1:2")


def test_a_crowd_goes_to_nobody_on_the_public_network() -> None:
    with pytest.raises(Refusal, match=r"--target: 8\.8\.8\.8 is on the public network"):
        order_of(options(NIGHT, "--target", "http://8.8.8.8", *RUNNING[2:]))


def test_a_proxy_that_is_not_installed_is_named_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "executable", lambda: None)
    with pytest.raises(Refusal, match=r"--proxy: no nginx .*apt-get install nginx-light"):
        order_of(options(NIGHT, "--proxy", "nginx"))


BROKEN = '\n[[faults]]\nkind = "{}"\ntarget = "{}"\nstart_s = 1\nend_s = 2\nfactor = 1\n'


@pytest.mark.parametrize(
    ("target", "given", "database_url", "why"),
    [
        ("web", RUNNING, "", "the processes and connections of --target are not ours to break"),
        ("applicants_link", RUNNING, "", "the processes and connections of --target are not ours to break"),
        ("proxy", (), "", "there is none: add --proxy nginx"),
        ("database", (), "postgresql://127.0.0.1/mine", "that of DATABASE_URL is not ours to break: unset it"),
        ("database_link", (), "postgresql://127.0.0.1/mine", "that of DATABASE_URL is not ours to break: unset it"),
        ("web", (), "postgresql://127.0.0.1/mine", ""),
        ("database_link", (), "", ""),
        ("sms", RUNNING, "postgresql://127.0.0.1/mine", ""),
    ],
)
def test_faults_that_cannot_be_brought_about_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, given: tuple[str, ...], database_url: str, why: str
) -> None:
    """Else the night would be played without them. Partners can always be troubled."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    kind = "silent" if target == "sms" else "reset" if target.endswith("_link") else "killed"
    path = tmp_path / "night.toml"
    text = BROKEN.format(kind, target)
    path.write_text(NIGHT_TEXT + (text if kind == "silent" else text.replace("factor = 1\n", "")))
    if not why:
        assert order_of(options(str(path), *given)).night.faults[0].target == target
        return
    with pytest.raises(Refusal) as refusal:
        order_of(options(str(path), *given))
    (fault,) = refusal.value.faults
    assert fault == f"faults[0]: {kind} of {target}: {why}, or take the fault out of the night"


def test_who_goes_by_pages_and_who_only_looks_is_asked_for() -> None:
    """As asked for; steps leave both out; what cannot be used is told with every other fault."""
    order = order_of(options(NIGHT, "--onlookers", "2", "--without-javascript", "0.25"))
    assert (order.onlookers, order.without_javascript) == ("2", "0.25")
    people = order.night.population
    assert people.onlookers is not None
    assert (people.onlookers.per_applicant, people.without_javascript) == (2.0, 0.25)
    short = order_of(options(NIGHT, "--steps", "2")).night.population
    assert (short.without_javascript, short.onlookers and short.onlookers.per_applicant) == (0.0, 0.0)
    with pytest.raises(Refusal) as refused:
        order_of(options(NIGHT, "--onlookers", "many", "--seed", "-1"))
    assert [fault.partition(":")[0] for fault in refused.value.faults] == ["--seed", "--onlookers many"]
