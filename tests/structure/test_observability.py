"""A new queue, partner, stage or switch lands with its metric and its panel and, where somebody should get up at night,
with its alert and its line in the runbooks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from service import metrics, settings
from service.metrics import Metrics
from service.queues.policy import policies
from service.queues.worker import HANDLERS
from tests import boards
from tests.boards import ROOT
from tests.promql import Selector, selectors


@dataclass(frozen=True)
class Landed:
    """What can be seen of the service."""

    labels: frozenset[tuple[str, str]]
    """(label, value) of everything that exists from the start of a process."""
    of_metric: Mapping[str, frozenset[str]]
    """Series -> its labels."""
    panels: Sequence[Selector]
    alerts: Mapping[str, Sequence[Selector]]
    runbooks: Mapping[str, str]
    """Alert -> what its section says."""

    def missing(self, label: str, value: str, *, wakes: bool) -> list[str]:
        """What has not landed of this value of this label; wakes: somebody should get up for it."""
        found = [] if (label, value) in self.labels else ["metric"]
        if not any(self._shows(one, label, value) for one in self.panels):
            found.append("panel")
        if wakes:
            alerts = [name for name, used in self.alerts.items() if any(self._shows(one, label, value) for one in used)]
            if not alerts:
                found.append("alert")
            if not any(f"`{value}`" in self.runbooks.get(name, "") for name in alerts):
                found.append("runbook")
        return found

    def _shows(self, one: Selector, label: str, value: str) -> bool:
        return label in self.of_metric.get(one.name, ()) and one.accepts(label, value)


def landed() -> Landed:
    exposed = [sample for metric in Metrics().registry.collect() for sample in metric.samples]
    texts = re.split(r"^## (\w+)\n", boards.RUNBOOKS.read_text(), flags=re.M)[1:]
    return Landed(
        labels=frozenset(pair for sample in exposed for pair in sample.labels.items()),
        of_metric={sample.name: frozenset(sample.labels) for sample in exposed},
        panels=[
            one for asked in boards.questions() for one in sources(boards.filled(asked.expr, run=".*", range_s=60))
        ],
        alerts={rule["alert"]: sources(rule["expr"]) for rule in boards.rules("alerts")},
        runbooks=dict(zip(texts[::2], texts[1::2], strict=True)),
    )


def sources(expr: str) -> list[Selector]:
    """What `expr` selects of what the service exposes: recorded figures stand for what they are made of."""
    recorded: dict[str, Any] = {rule["record"]: rule["expr"] for rule in boards.rules("recording")}
    found = []
    for one in selectors(expr):
        inner = selectors(recorded[one.name]) if one.name in recorded else [Selector(one.name, ())]
        found += [Selector(each.name, each.matchers + one.matchers) for each in inner]
    return found


LANDED = landed()


@pytest.mark.parametrize("queue", HANDLERS)
def test_a_queue_lands_whole(queue: str) -> None:
    assert LANDED.missing("queue", queue, wakes=True) == []


@pytest.mark.parametrize("partner", metrics.PARTNERS)
def test_a_partner_lands_whole(partner: str) -> None:
    assert LANDED.missing("partner", partner, wakes=True) == []


@pytest.mark.parametrize("stage", metrics.STAGES)
def test_a_stage_lands_with_metric_and_panel(stage: str) -> None:
    assert LANDED.missing("stage", stage, wakes=False) == []


@pytest.mark.parametrize("switch", settings.switches())
def test_a_switch_lands_with_metric_and_panel(switch: str) -> None:
    assert LANDED.missing("switch", switch, wakes=False) == []


def test_the_gate_lands_whole() -> None:
    """Each of its figures is on a panel; one that stands still wakes somebody, who finds what to do."""
    figures = {name for name in LANDED.of_metric if name.startswith("registration_waiting_room_")}
    assert figures and figures <= {one.name for one in LANDED.panels}
    assert {one.name for one in LANDED.alerts["GateStopped"]} < figures
    assert "gatekeeper" in LANDED.runbooks["GateStopped"]


def test_the_lists_of_the_metrics_are_those_of_the_code() -> None:
    """What the service works with, found where it stands, and the lists that make its series exist from the start."""
    variables = {"DATABASE_URL": "postgresql://nowhere", "REGISTRATION_SECRET_KEY": "00" * 32}
    assert set(HANDLERS) == set(policies(settings.load(variables))) == set(metrics.QUEUES)
    assert settings.switches() == metrics.SWITCHES
    reached = [line for path in (ROOT / "service" / "actions").glob("*.py") for line in calls(path.read_text())]
    assert set(reached) == set(metrics.STAGES)
    sources_of_clients = [ROOT / "service" / "partners.py", *(ROOT / "service" / "gateways").glob("*.py")]
    made = [re.findall(r'(?:Message|Partner)Client\(\s*"(\w+)"', path.read_text()) for path in sources_of_clients]
    assert {name for names in made for name in names} == set(metrics.PARTNERS)


def calls(source: str) -> list[str]:
    """Every stage named in a call of `reached`."""
    return [stage for call in re.findall(r"\.reached\(([^)]*)\)", source) for stage in re.findall(r'"(\w+)"', call)]


def test_every_alert_has_its_runbook_and_every_runbook_its_alert() -> None:
    assert set(LANDED.runbooks) == set(LANDED.alerts)
    for name, text in LANDED.runbooks.items():
        assert re.match(r"\*\*(Page|Ticket|None)\.\*\* ", text), name
        assert "\n- Look at " in text and "\n- Do: " in text, name


def test_what_did_not_land_is_seen() -> None:
    """Negative controls: a queue that nobody declared, and each part of a real one left out."""
    assert LANDED.missing("queue", "fax", wakes=True) == ["metric", "runbook"]
    of_queues = {name for name, labels in LANDED.of_metric.items() if "queue" in labels}
    blind = replace(LANDED, panels=[one for one in LANDED.panels if one.name not in of_queues])
    assert blind.missing("queue", "email", wakes=True) == ["panel"]
    assert replace(LANDED, alerts={}).missing("queue", "email", wakes=True) == ["alert", "runbook"]
    assert replace(LANDED, runbooks={}).missing("queue", "email", wakes=True) == ["runbook"]
    only_sms = [Selector("registration_queue_depth", selectors('a{queue="sms"}')[0].matchers)]
    assert replace(LANDED, panels=only_sms).missing("queue", "email", wakes=False) == ["panel"]
    assert calls('ports.reached("a" if match else "b")') == ["a", "b"]
