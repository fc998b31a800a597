"""Faults of the timeline: what the partners are told, and when."""

from typing import Any

import pytest

from loadtests.harness.faults import FaultTimeline
from loadtests.harness.http_json import Unanswered
from loadtests.harness.partner_faults import PartnerFaults, figures_under, misconduct_under
from scenarios.faults import PARTNERS, Fault

REGISTRY = {"rate_per_s": 10.0, "latency_median_s": 0.1, "latency_p99_s": 1.0, "error_ratio": 0.01, "allowance": []}
GATEWAY = {"rate_per_s": 5.0, "delay_median_s": 2.0, "delay_sigma": 1.0, "loss": 0.02}


def fault(kind: str, target: str = "sms", start: float = 60, end: float = 120, factor: float = 0.0) -> Fault:
    return Fault(kind=kind, target=target, start_s=start, end_s=end, factor=factor)


@pytest.mark.parametrize(
    ("kind", "factor", "changed"),
    [
        ("outage", 0.0, {"rate_per_s": 0.0}),
        ("throttled", 0.2, {"rate_per_s": 1.0}),
        ("slow", 3.0, {"delay_median_s": 6.0}),
        ("errors", 0.5, {"loss": 0.5}),
    ],
)
def test_a_fault_turns_the_figures_of_a_gateway(kind: str, factor: float, changed: dict[str, float]) -> None:
    figures = figures_under(GATEWAY, "sms", [fault(kind, factor=factor)])
    assert figures == {"rate_per_s": 5.0, "delay_median_s": 2.0, "loss": 0.02, **changed}


@pytest.mark.parametrize(
    ("kind", "factor", "changed"),
    [
        ("outage", 0.0, {"error_ratio": 1.0}),
        ("throttled", 0.5, {"rate_per_s": 5.0}),
        ("slow", 2.0, {"latency_median_s": 0.2, "latency_p99_s": 2.0}),
        ("errors", 0.3, {"error_ratio": 0.3}),
    ],
)
def test_a_fault_turns_the_figures_of_the_registry(kind: str, factor: float, changed: dict[str, float]) -> None:
    figures = figures_under(REGISTRY, "civil_registry", [fault(kind, "civil_registry", factor=factor)])
    base = {name: value for name, value in REGISTRY.items() if name != "allowance"}
    assert figures == {**base, **changed}


def test_faults_of_different_kinds_add_up_and_others_targets_are_left_alone() -> None:
    active = [fault("throttled", factor=0.5), fault("slow", factor=2), fault("outage", "email")]
    assert figures_under(GATEWAY, "sms", active) == {"rate_per_s": 2.5, "delay_median_s": 4.0, "loss": 0.02}


def test_failing_and_silent_partners_misbehave_and_their_figures_stay() -> None:
    active = [
        fault("failing", factor=0.7),
        fault("failing", "email", factor=0.2),
        fault("failing", "email", factor=0.5),
        fault("silent", factor=0.7),
        fault("throttled", factor=0.5),
    ]
    assert misconduct_under(active) == {"sms": {"error": 0.7, "hang": pytest.approx(0.3)}, "email": {"error": 0.5}}
    assert figures_under(GATEWAY, "email", active) == {"rate_per_s": 5.0, "delay_median_s": 2.0, "loss": 0.02}


class Partners:
    """Answers as the partners do and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.figures = {"sms": dict(GATEWAY), "email": dict(GATEWAY)}
        self.refused = 0

    def ask(self, method: str, url: str, body: Any = None) -> Any:
        if url.endswith("/ledger"):
            return {"sms": {"asked": 2 * self.refused, "refused": self.refused, "most_in_1s": 9}}
        if method == "PATCH":
            self.told.append(body)
            for target, figures in body.items():
                self.figures[target].update(figures)
        return {target: dict(figures) for target, figures in self.figures.items()}


def test_each_fault_begins_and_ends_in_its_time_with_proof() -> None:
    """At speed 2 the night's second 60 is real second 30; proof is what the partner counted meanwhile."""
    partners = Partners()
    heard: list[tuple[str, dict[str, Any]]] = []
    timeline = FaultTimeline(
        [fault("throttled", factor=0.2)],
        speed=2,
        injectors=dict.fromkeys(PARTNERS, PartnerFaults("http://partners", partners.ask)),
        notice=lambda fault, edge, **facts: heard.append((edge, facts)),
    )
    timeline.play(29.9)
    assert not heard
    timeline.play(30)
    partners.refused = 7
    timeline.play(59.9)
    assert [edge for edge, _ in heard] == ["start"] and len(timeline.active) == 1
    timeline.play(60)
    assert [body["sms"]["rate_per_s"] for body in partners.told] == [1.0, 5.0]
    assert heard[0][1]["figures"]["rate_per_s"] == 1.0
    edge, facts = heard[1]
    assert edge == "end" and facts["figures"]["rate_per_s"] == 5.0
    assert facts["counted"] == {"asked": 14, "refused": 7} and facts["bit"]


def test_what_is_still_active_is_ended_with_the_run() -> None:
    partners = Partners()
    edges: list[str] = []
    timeline = FaultTimeline(
        [fault("outage"), fault("slow", start=500, end=600, factor=2)],
        speed=1,
        injectors=dict.fromkeys(PARTNERS, PartnerFaults("http://partners", partners.ask)),
        notice=lambda fault, edge, **_: edges.append(f"{fault.kind} {edge}"),
    )
    timeline.play(100)
    timeline.end_all()
    timeline.play(550)
    assert edges == ["outage start", "outage end"]
    assert partners.figures["sms"] == GATEWAY


def test_a_fault_that_is_not_taken_fails_and_never_ends() -> None:
    """It is no active fault: neither its end nor that of the run turns a figure; others are as if it were not there."""
    partners = Partners()
    heard: list[tuple[str, str, dict[str, Any]]] = []
    deaf = True

    def ask(method: str, url: str, body: Any = None) -> Any:
        if method == "PATCH" and deaf:
            raise Unanswered("status 500")
        return partners.ask(method, url, body)

    timeline = FaultTimeline(
        [fault("outage"), fault("slow", start=100, end=200, factor=2)],
        speed=1,
        injectors=dict.fromkeys(PARTNERS, PartnerFaults("http://partners", ask)),
        notice=lambda fault, edge, **facts: heard.append((fault.kind, edge, facts)),
    )
    timeline.play(60)
    assert heard == [("outage", "failed", {"text": "it could not be injected: status 500"})]
    assert timeline.active == []
    deaf = False
    timeline.play(150)
    assert partners.figures["sms"]["rate_per_s"] == GATEWAY["rate_per_s"]
    timeline.end_all()
    assert [(kind, edge) for kind, edge, _ in heard[1:]] == [("slow", "start"), ("slow", "end")]
    assert partners.figures["sms"] == GATEWAY


def test_a_fault_that_cannot_be_ended_says_so() -> None:
    partners = Partners()
    heard: list[tuple[str, dict[str, Any]]] = []
    dead = False

    def ask(method: str, url: str, body: Any = None) -> Any:
        if dead:
            raise Unanswered("connection refused")
        return partners.ask(method, url, body)

    timeline = FaultTimeline(
        [fault("outage")],
        speed=1,
        injectors=dict.fromkeys(PARTNERS, PartnerFaults("http://partners", ask)),
        notice=lambda fault, edge, **facts: heard.append((edge, facts)),
    )
    timeline.play(60)
    dead = True
    timeline.end_all()
    assert heard[1:] == [("failed", {"text": "it could not be ended: connection refused"})]
