"""Dashboards and rules use what is declared, everything declared is shown, and what is declared is what is exposed."""

import os
import subprocess

import pytest
from prometheus_client import generate_latest

from dashboards.names import OTHERS, UNUSED, declared, samples
from loadtests.harness import exposition
from loadtests.harness.cpu import CpuSampler
from loadtests.harness.own_metrics import OwnMetrics
from loadtests.harness.samples import kept
from loadtests.harness.scraper import Endpoint
from loadtests.swarm_metrics import SwarmMetrics
from scenarios.capacities import Gateway, Registry
from scenarios.partners.ledger import GatewayLedger, RegistryLedger
from scenarios.partners.metrics import metrics_page
from scenarios.partners.settings import Figures
from service.metrics import Metrics
from tests import boards
from tests.dashboards.conftest import Loaded
from tests.promql import Selector, selectors
from tests.tools import need

OF_PROMETHEUS = {"up", "ALERTS"}
RECORDED = {rule["record"] for rule in boards.rules("recording")}


def in_dashboards() -> list[Selector]:
    return [one for asked in boards.questions() for one in selectors(boards.filled(asked.expr, run="r", range_s=60))]


def in_rules() -> list[Selector]:
    return [one for name in ("recording", "alerts") for rule in boards.rules(name) for one in selectors(rule["expr"])]


def undeclared(used: list[Selector]) -> set[str]:
    """Names that nothing exposes or records."""
    return {one.name for one in used} - set(samples()) - RECORDED - OF_PROMETHEUS


def unshown() -> set[str]:
    """Declared metrics that neither a panel shows nor a rule that a panel shows."""
    names = {one.name for one in in_dashboards()}
    for rule in boards.rules("recording"):
        if rule["record"] in names:
            names |= {one.name for one in selectors(rule["expr"])}
    metric_of = samples()
    return set(declared()) - {metric_of[name] for name in names if name in metric_of}


def test_what_is_used_is_declared() -> None:
    assert undeclared(in_dashboards()) == set()
    assert undeclared(in_rules()) == set()


def test_an_undeclared_name_is_seen() -> None:
    """Negative control."""
    assert undeclared(selectors("rate(registration_queue_deepth[1m]) + up")) == {"registration_queue_deepth"}


def test_what_is_declared_is_shown() -> None:
    """On a dashboard, or in the list of those deliberately left out."""
    assert unshown() == set(UNUSED)


def test_labels_exist() -> None:
    """A matcher on a label that a metric does not have selects everything or nothing."""
    metric_of, every = samples(), declared()
    for one in (*in_dashboards(), *in_rules()):
        if one.name in metric_of:
            known = {*every[metric_of[one.name]].labels, "le", "run", "job", "instance"}
            assert {label for label, _, _ in one.matchers} <= known, one


def test_every_recorded_figure_is_used() -> None:
    used = {one.name for one in (*in_dashboards(), *in_rules())}
    assert RECORDED - used == set()


# The table of the others' metrics against what they expose


def exposed(text: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Metric -> (type, its own labels), from a page in the text format."""
    kinds = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE"))
    labels: dict[str, set[str]] = {name: set() for name in kinds}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, found = exposition.series_of(exposition.split(line)[0])
            base = name if name in kinds else name.rpartition("_")[0]
            labels[base] |= {label for label, _ in found} - {"le"}
    return {name: (kind, tuple(sorted(labels[name]))) for name, kind in kinds.items()}


def harness_page() -> str:
    cpu = CpuSampler()
    cpu.watch("web", [os.getpid()])
    cpu.sample()
    metrics = OwnMetrics(cpu, [("outage", "sms")])
    endpoint = Endpoint(metrics.target)
    try:
        return endpoint.fetch()
    finally:
        endpoint.close()
        metrics.close()


def partners_page() -> str:
    ledgers: dict[str, RegistryLedger | GatewayLedger]
    ledgers = {"civil_registry": RegistryLedger(), "email": GatewayLedger(), "sms": GatewayLedger()}
    return metrics_page(ledgers=ledgers, figures=FIGURES, allowance_left=1, delivery_connections=1)


FIGURES = Figures(Registry(1.0, 0.1, 1.0, 0.0), email=Gateway(1.0, 1.0, 0.5, 0.0), sms=Gateway(1.0, 1.0, 0.5, 0.0))


def service_page() -> str:
    return generate_latest(Metrics().registry).decode()


PAGES = {
    "swarm": lambda: SwarmMetrics(["codes"], 1, lambda: 0).exposition(),
    "partners": partners_page,
    "harness": harness_page,
    "service": service_page,
}


def test_the_table_of_others_is_what_they_expose() -> None:
    found = {name: one for page in ("swarm", "partners", "harness") for name, one in exposed(PAGES[page]()).items()}
    assert found == {name: (one.kind, one.labels) for name, one in OTHERS.items()}


@pytest.mark.parametrize("page", PAGES)
def test_names_units_and_help_are_as_prometheus_wants_them(page: str) -> None:
    """promtool says nothing about what a process exposes."""
    need("promtool", package="prometheus")
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=PAGES[page](), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("rehearsal")
def test_every_declared_metric_was_recorded(loaded: Loaded) -> None:
    """In the rehearsal, but for what the record leaves out, what needs an allowance, or calibration to be told."""
    names = set(loaded.server.get("label/__name__/values"))
    silent = {metric for sample, metric in samples().items() if kept(sample) and sample not in names}
    assert silent == {"partner_allowance_left_requests", "registration_http_measured_seconds"}
