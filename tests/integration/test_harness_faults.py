"""Faults injected into real partners: each bites while it lasts and is gone afterwards."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from loadtests.harness.faults import FaultTimeline
from loadtests.harness.http_json import ask
from loadtests.harness.partner_faults import PartnerFaults
from loadtests.harness.processes import Child, python
from scenarios import catalogue, population
from scenarios.faults import PARTNER_KINDS, PARTNERS, Fault


@pytest.fixture(scope="module")
def partners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    logs = tmp_path_factory.mktemp("partners")
    child = Child("partners", python("-m", "scenarios.partners", "--lifeline"), settings={}, logs=logs)
    try:
        child.wait_ready(30)
        yield child.url
    finally:
        child.stop(grace=10)


def seen(partners: str) -> dict[str, dict[str, Any]]:
    """Figures and conduct of each partner, as it tells them."""
    figures, conduct = (ask("GET", f"{partners}/{part}") for part in ("settings", "misconduct"))
    return {target: figures[target] | conduct[target] for target in PARTNERS}


@pytest.mark.parametrize("target", PARTNERS)
@pytest.mark.parametrize("kind", PARTNER_KINDS)
def test_every_fault_can_be_injected_and_ended(partners: str, kind: str, target: str) -> None:
    heard: list[tuple[str, dict[str, Any]]] = []
    before = seen(partners)
    timeline = FaultTimeline(
        [Fault(kind=kind, target=target, start_s=10, end_s=20, factor=0.5)],
        speed=1,
        injectors={target: PartnerFaults(partners, ask)},
        notice=lambda fault, edge, **facts: heard.append((edge, facts)),
    )
    timeline.play(10)
    during = seen(partners)
    assert during[target] != before[target]
    assert {name: during[target][name] for name in heard[0][1]["figures"]} == heard[0][1]["figures"]
    assert {name: figures for name, figures in during.items() if name != target} == {
        name: figures for name, figures in before.items() if name != target
    }
    timeline.play(20)
    assert seen(partners) == before
    assert [edge for edge, _ in heard] == ["start", "end"]


def check_status(partners: str, key: str) -> int:
    """What the registry answers about applicant 0."""
    somebody = population.person(catalogue.load("prakerja-wave-1"), 1, 0)
    body = {name: getattr(somebody, name) for name in ("nik", "family_card_number", "birth_date")}
    request = Request(
        f"{partners}/civil-registry/checks",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Idempotency-Key": key},
    )
    try:
        with urlopen(request) as answer:
            return int(answer.status)
    except HTTPError as refused:
        with refused:
            return refused.code


def test_an_outage_bites_and_its_proof_says_so(partners: str) -> None:
    """Asked during the outage the registry errs, and the end of the fault tells how often; afterwards it answers."""
    proof: dict[str, Any] = {}
    ask("PATCH", f"{partners}/settings", {"civil_registry": {"error_ratio": 0.0}})
    timeline = FaultTimeline(
        [Fault(kind="outage", target="civil_registry", start_s=0, end_s=5)],
        speed=1,
        injectors={"civil_registry": PartnerFaults(partners, ask)},
        notice=lambda fault, edge, **facts: proof.update(facts.get("counted", {}), bit=facts.get("bit")),
    )
    timeline.play(0)
    assert check_status(partners, "during-1") >= 500
    assert check_status(partners, "during-2") >= 500
    timeline.play(5)
    assert (proof["asked"], proof["errors"], proof["distinct"], proof["bit"]) == (2, 2, 0, True)
    assert check_status(partners, "after") == 200


def test_a_failing_partner_bites_and_its_proof_says_so(partners: str) -> None:
    """Every request is answered by 500 while it lasts; nothing was done, and the end of the fault tells how often."""
    proof: dict[str, Any] = {}
    ask("PATCH", f"{partners}/settings", {"civil_registry": {"error_ratio": 0.0}})
    timeline = FaultTimeline(
        [Fault(kind="failing", target="civil_registry", start_s=0, end_s=5, factor=1.0)],
        speed=1,
        injectors={"civil_registry": PartnerFaults(partners, ask)},
        notice=lambda fault, edge, **facts: proof.update(facts.get("counted", {}), bit=facts.get("bit")),
    )
    timeline.play(0)
    assert check_status(partners, "failing-1") == 500
    timeline.play(5)
    assert (proof["asked"], proof["unserved"], proof["distinct"], proof["bit"]) == (1, 1, 0, True)
    assert check_status(partners, "failing-1") == 200
