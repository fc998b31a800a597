"""The containers run the processes that a rehearsal runs without containers, with the same figures; and they fit what
stands beside them: nginx's template, the configurations of Prometheus, Alertmanager and Grafana."""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtests import cli
from loadtests.harness import proxy, stack, swarm
from loadtests.harness.order import Order, order_of
from loadtests.harness.programs import READY_WITHIN, Programs
from loadtests.harness.run_folder import RunFolder
from scenarios.factors import queue_limits, scaled
from scenarios.partners.__main__ import arguments as partner_arguments
from service import settings
from service.__main__ import parser as service_parser
from service.storage.embedded import SERVER_SETTINGS
from tests.structure.compose import ROOT, SERVICE, services

CAPACITY = re.compile(r"_(RATE|LIMIT)$|_PEOPLE$")
OTHERWISE = {"listen_addresses", "unix_socket_directories", "max_connections"}
"""Settings of the database that a container has its own values for."""


class Recorder(Programs):
    """Starts nothing and remembers what it was to start."""

    def __init__(self, logs: Path) -> None:
        super().__init__(logs)
        self.commands: dict[str, list[str]] = {}

    def launch(self, role: str, command: Sequence[str], settings: Mapping[str, str] | None = None) -> None:
        self.commands[role] = list(command)


@pytest.fixture
def order(tmp_path, monkeypatch) -> Order:
    """What `launchnight rehearse` is asked for at the scale of the file."""
    monkeypatch.chdir(tmp_path)
    return order_of(cli.parser().parse_args(["rehearse", "prakerja-wave-1", "--people", "1/100"]))


def options_of(command: Sequence[str]) -> dict[str, object]:
    """Options and their values, written `--name=value` or `--name value`; numbers as numbers."""
    found: dict[str, object] = {}
    for word, following in pairwise([*command, ""]):
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            found[name] = _number(value if equals else following)
    return found


def _number(text: str) -> object:
    try:
        return Fraction(text)
    except ValueError:
        return text


# The same processes


def test_every_container_has_a_twin():
    """`rehearse --replicas 2 --proxy nginx --prometheus auto` starts the same, but for two that only show."""
    names = {"database": "db", "swarm": "swarm-master"}
    started = {names.get(kind, kind) for kind in READY_WITHIN if kind != "faults"} | {
        "migrate",
        "proxy",
        "prometheus",
        "swarm-worker",
    }
    assert set(services()) - started == {"alertmanager", "grafana"}
    assert started <= set(services())
    assert services()["web"]["deploy"]["replicas"] == 2


@pytest.mark.parametrize("role", ["web", "worker", "gatekeeper"])
def test_a_role_is_started_as_in_a_rehearsal(role):
    """But for the lifeline: an engine ends it by a signal."""
    _, *command = stack.service_command(role)
    assert command[-1] == "--lifeline"
    assert services()[role]["command"] == ["python", *command[:-1]]


@pytest.mark.parametrize("name", SERVICE)
def test_the_service_understands_what_it_is_told(name):
    python, dash, module, *words = services()[name]["command"]
    assert (python, dash, module) == ("python", "-m", "service")
    assert service_parser().parse_args(words).verb == name
    if name != "migrate":
        assert services()[name]["healthcheck"]["test"] == ["CMD", "python", "-m", "service", "health", name]
        assert service_parser().parse_args(["health", name]).role == name


def test_settings_are_known_and_those_of_the_night(order, tmp_path):
    """Every name stands in the table; the capacities are what a rehearsal at 1/100 gives its own service."""
    partners, _ = scaled(order.partners, order.factors)
    limits, _ = queue_limits(order.partners, order.factors)
    own = stack.OwnStack(order, RunFolder(order), Recorder(tmp_path), partners, limits).settings(0.0)
    capacities = {name: _number(value) for name, value in own.items() if CAPACITY.search(name)}
    assert len(capacities) == 10
    known = {setting.name for setting in settings.TABLE}
    for name in SERVICE:
        given = services()[name]["environment"]
        assert {word.removesuffix("_FILE") for word in given} <= known
        assert {word: _number(given[word]) for word in capacities} == capacities


def test_partners_and_swarm_are_told_of_the_same_night(order):
    night = options_of(swarm.night_options(order))
    partners, master = services()["partners"]["command"], services()["swarm-master"]["command"]
    for command in (partners, master):
        told = options_of(command)
        assert {name: told[name] for name in night} == night
    assert partners[:3] == ["python", "-m", "scenarios.partners"]
    assert partner_arguments().parse_args(partners[3:]).port == 8100


def test_the_swarm_is_that_of_a_rehearsal(order, tmp_path):
    """The same locustfile; of the options that a rehearsal gives only those of its own process are absent."""
    recorder = Recorder(tmp_path)
    swarm.launch(recorder, order, RunFolder(order), url="http://proxy:8080", partners_url="http://partners:8100")
    rehearsed = options_of(recorder.commands["swarm"])
    master = options_of(services()["swarm-master"]["command"])
    assert rehearsed.keys() - master.keys() == {
        "--headless", "--only-summary", "--lifeline",  # it has a web page, and an engine ends it
        # their defaults
        "--reading", "--manners", "--uploader", "--drain-minutes", "--opens-at", "--swarm-metrics-port",
        "--arrivals", "--spacing", "--steps", "--onlookers", "--without-javascript",
    }  # fmt: skip
    for name in ("--host", "--partners-url", "--pace", "--minutes"):
        assert master[name] == rehearsed[name]
    for name in ("swarm-master", "swarm-worker"):
        command = services()[name]["command"]
        assert command[:3] == ["python", "-m", "locust"]
        assert (ROOT / str(options_of(command)["--locustfile"])).is_file()
    assert options_of(services()["swarm-worker"]["command"])["--master-host"] == "swarm-master"


def test_the_database_is_run_as_the_embedded_one():
    given = dict(word.removeprefix("--").split("=") for word in services()["db"]["command"][1:])
    same = {name: value for name, value in SERVER_SETTINGS.items() if name not in OTHERWISE}
    assert {name: given[name] for name in same} == same
    replicas = 10
    assert int(given["max_connections"]) >= (replicas + 2) * 16 + 8  # two more roles; migration, ledger, health


# What stands beside them


def test_the_proxy_is_given_what_its_template_wants():
    """No more and no less, and above what the service takes as a photo."""
    given = services()["proxy"]["environment"]
    variables = {name: value for name, value in given.items() if name.startswith("PROXY_")}
    assert variables.keys() == set(proxy.VARIABLE.findall(proxy.TEMPLATE.read_text()))
    text = proxy.rendered(variables)
    assert "server web:8000 max_fails=0;" in text and "listen 8080 " in text
    assert variables["PROXY_UPLOAD_LIMIT"] == proxy.UPLOAD_LIMIT
    assert variables["PROXY_LOG_LEVEL"] == "crit", "below that it logs the addresses of applicants"
    (template,) = services()["proxy"]["volumes"]
    assert Path(template["source"]) == proxy.TEMPLATE
    written = f"{given['NGINX_ENVSUBST_OUTPUT_DIR']}/{Path(template['target']).stem}"
    assert written in services()["proxy"]["command"]


def mounted(name: str, target: str) -> str:
    """What is mounted at `target` in a container: a path from here, or the name of a volume."""
    (source,) = (each["source"] for each in services()[name]["volumes"] if each["target"] == target)
    return str(Path(source).relative_to(ROOT)) if source.startswith("/") else str(source)


def configuration(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def test_prometheus_finds_its_targets_rules_and_alertmanager():
    folder = mounted("prometheus", "/etc/prometheus")
    given = configuration(f"{folder}/prometheus.yml")
    assert all((ROOT / folder / name).is_file() for name in given["rule_files"])
    jobs = {job["job_name"]: job for job in given["scrape_configs"]}
    (pattern,) = jobs["service"]["file_sd_configs"][0]["files"]
    announced = services()["web"]["environment"]["REGISTRATION_METRICS_TARGETS"]
    assert mounted("prometheus", str(Path(pattern).parent)) == mounted("web", announced) == "metrics-targets"
    partners = jobs["partners"]["dns_sd_configs"][0]
    assert (partners["names"], partners["port"]) == (["partners"], 8100)
    (address,) = given["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert address in {f"alertmanager:{port['target']}" for port in services()["alertmanager"]["ports"]}
    assert (ROOT / mounted("alertmanager", "/etc/alertmanager") / "alertmanager.yml").is_file()


def test_grafana_finds_its_sources_and_dashboards():
    folder = mounted("grafana", "/etc/grafana/provisioning")
    (sources,) = (ROOT / folder / "datasources").glob("*.yml")
    addresses = {each["url"] for each in configuration(str(sources.relative_to(ROOT)))["datasources"]}
    assert addresses == {"http://prometheus:9090", "http://alertmanager:9093"}
    (providers,) = (ROOT / folder / "dashboards").glob("*.yml")
    (provider,) = configuration(str(providers.relative_to(ROOT)))["providers"]
    assert list((ROOT / mounted("grafana", provider["options"]["path"])).glob("*.json"))
