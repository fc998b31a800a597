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


class Hands:
    """An injector whose faults take as long as they are told to."""

    def __init__(self) -> None:
        self.held = False
        """Whether nothing can begin."""
        self.lasts = 0
        """How often an end is asked for before it is one."""
        self.asked: list[str] = []

    def begin(self, fault: Fault) -> dict[str, Any] | None:
        self.asked.append(f"begin {fault.kind}")
        return None if self.held else {"role": "web"}

    def end(self, fault: Fault) -> dict[str, Any] | None:
        self.asked.append(f"end {fault.kind}")
        self.lasts -= 1
        return {"bit": True} if self.lasts < 0 else None


def timeline_of(*faults: Fault) -> tuple[FaultTimeline, Hands, list[str]]:
    """What it was told of each edge stands in the list."""
    heard: list[str] = []
    hands = Hands()

    def notice(fault: Fault, edge: str, **facts: object) -> None:
        heard.append(" ".join([fault.kind, edge, *([str(facts["text"])] if "text" in facts else [])]))

    return FaultTimeline(faults, speed=1, injectors={"web": hands}, notice=notice), hands, heard


def test_a_fault_lasts_until_its_end_has_come_about() -> None:
    """A process that was killed is back only when it is ready; until then the timeline asks again."""
    timeline, hands, heard = timeline_of(fault("killed", "web"))
    hands.lasts = 2
    timeline.play(60)
    for moment in (120, 120.25):
        timeline.play(moment)
        assert heard == ["killed start"] and len(timeline.active) == 1
    timeline.play(120.5)
    assert heard == ["killed start", "killed end"] and timeline.active == []
    timeline.play(121)
    assert hands.asked == ["begin killed", "end killed", "end killed", "end killed"]


def test_a_fault_that_is_held_up_begins_later() -> None:
    timeline, hands, heard = timeline_of(fault("stopped", "web"))
    hands.held = True
    timeline.play(60)
    assert heard == []
    hands.held = False
    timeline.play(70)
    timeline.play(120)
    assert heard == ["stopped start", "stopped end"]


def test_a_fault_that_is_held_up_until_its_end_did_not_bite() -> None:
    """Else it would begin and end at once, and count as one that held."""
    timeline, hands, heard = timeline_of(fault("stopped", "web"))
    hands.held = True
    timeline.play(60)
    timeline.play(120)
    assert heard == ["stopped failed what came before it on this target lasted until its end"]
    hands.held = False
    timeline.play(130)
    assert len(heard) == 1 and timeline.active == [] and timeline.end_all() == []


def test_a_fault_that_is_held_up_until_the_run_ends_did_not_bite() -> None:
    """It was due: a run in which it did not happen is not the night that was asked for."""
    timeline, hands, heard = timeline_of(fault("stopped", "web"))
    hands.held = True
    timeline.play(60)
    assert timeline.end_all() == []
    assert heard == ["stopped failed what came before it on this target lasted until the run ended"]


def test_the_end_of_the_run_waits_for_what_is_coming_back_and_tells_what_was_never_due() -> None:
    late = fault("stopped", "web", 500, 600)
    timeline, hands, heard = timeline_of(fault("killed", "web"), late)
    hands.lasts = 3
    timeline.play(60)
    assert timeline.end_all() == [late]
    assert heard == ["killed start", "killed end"] and hands.lasts == -1


@pytest.mark.parametrize(
    ("kind", "factor", "counted", "bit"),
    [
        ("outage", 0.0, {"asked": 3, "refused": 3}, True),
        ("outage", 0.0, {"asked": 0, "refused": 0}, False),
        ("failing", 0.5, {"asked": 1, "unserved": 0}, False),
        ("silent", 0.5, {"asked": 1, "unserved": 1}, True),
        ("slow", 2.0, {"asked": 0}, False),
        ("slow", 2.0, {"asked": 1}, True),
    ],
)
def test_a_fault_of_a_partner_that_nobody_met_did_not_bite(
    kind: str, factor: float, counted: dict[str, int], bit: bool
) -> None:
    before = dict.fromkeys(counted, 10)
    ledgers = [before, {name: before[name] + count for name, count in counted.items()}]

    def ask(method: str, url: str, body: Any = None) -> Any:
        return {"sms": ledgers.pop(0)} if url.endswith("/ledger") else {"sms": dict(GATEWAY)}

    partner = PartnerFaults("http://partners", ask)
    trouble = fault(kind, factor=factor)
    partner.begin(trouble)
    proof = partner.end(trouble)
    assert (proof["bit"], "text" in proof, proof["counted"]) == (bit, not bit, counted)
