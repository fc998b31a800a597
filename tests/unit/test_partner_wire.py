"""What callers may send to the partners, and what the metrics page says: read and written without a socket."""

import json
import math
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from scenarios.capacities import AllowanceSpan, Gateway, Registry
from scenarios.json_bodies import Refused, json_object
from scenarios.partners import requests
from scenarios.partners.exposition import family
from scenarios.partners.ledger import GatewayLedger, RegistryLedger
from scenarios.partners.metrics import metrics_page
from scenarios.partners.settings import Figures, changed

FIGURES = Figures(
    civil_registry=Registry(15.0, 0.15, 2.0, 0.005, (AllowanceSpan(start_s=0, end_s=75_600, count=624_000),)),
    email=Gateway(500.0, 8.0, 1.2, 0.05),
    sms=Gateway(1000.0, 8.0, 1.2, 0.05),
)


def faults_of(call: Any, *given: object) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as caught:
        call(*given)
    return [(fault.field, fault.code) for fault in caught.value.faults]


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"null", b"\xff\xfe", b"[" * 100_000, b'"text"', b"1" * 5000])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        json_object(body)
    assert caught.value.status == 400


def test_all_faults_of_a_body_come_at_once() -> None:
    assert faults_of(requests.check, {"nik": "12", "birth_date": "1994-02-30", "name": "x"}) == [
        ("name", "unknown"),
        ("nik", "invalid"),
        ("family_card_number", "missing"),
        ("birth_date", "invalid"),
    ]
    assert faults_of(requests.sms_message, {"to": "me@example.org", "text": ""}) == [
        ("to", "invalid"),
        ("text", "invalid"),
    ]
    assert faults_of(requests.email_message, {"to": "+6281234567", "text": 7}) == [
        ("to", "invalid"),
        ("text", "invalid"),
    ]


def test_a_key_may_be_bare_or_quoted_and_must_be_there() -> None:
    assert requests.idempotency_key({"Idempotency-Key": '"a b"'}) == "a b"
    assert requests.idempotency_key({"Idempotency-Key": "code_sms-7-1"}) == "code_sms-7-1"
    for headers in ({}, {"Idempotency-Key": ""}, {"Idempotency-Key": "x" * 256}, {"Idempotency-Key": "kode\u00e9"}):
        assert faults_of(requests.idempotency_key, headers) == [("Idempotency-Key", "missing")]


@pytest.mark.parametrize(
    "query",
    [
        {"residue": "1"},
        {"modulus": "0"},
        {"residue": "-1", "modulus": "2"},
        {"residue": "x"},
        {"residue": "0,2", "modulus": "2"},
        {"residue": "0,", "modulus": "2"},
    ],
)
def test_a_share_of_deliveries_must_exist(query: dict[str, str]) -> None:
    assert faults_of(requests.share, query) == [("residue, modulus", "invalid")]
    assert requests.share({}) == (frozenset({0}), 1)
    assert requests.share({"residue": "2", "modulus": "3"}) == (frozenset({2}), 3)
    assert requests.share({"residue": "2,0", "modulus": "3"}) == (frozenset({0, 2}), 3)


@pytest.mark.parametrize(
    "body", [{}, {"opens_at": "now"}, {"opens_at": True}, {"opens_at": math.nan}, {"opens_at": -1}]
)
def test_the_opening_must_be_an_instant(body: dict[str, object]) -> None:
    assert faults_of(requests.opening, body) == [("opens_at", "invalid")]
    assert requests.opening({"opens_at": 1_586_606_400}) == 1_586_606_400.0


def test_a_change_names_only_what_changes() -> None:
    spans = [{"start_s": 10, "end_s": 20, "per_day": 5}, {"start_s": 0, "end_s": 10, "count": 3}]
    now = changed(FIGURES, {"sms": {"loss": 0.2}, "civil_registry": {"rate_per_s": 0.15, "allowance": spans}})
    assert now.sms == Gateway(1000.0, 8.0, 1.2, 0.2)
    assert now.email is FIGURES.email
    assert now.civil_registry.rate_per_s == 0.15
    assert [(each.start_s, each.count, each.per_day) for each in now.civil_registry.allowance] == [
        (0.0, 3, None),
        (10.0, None, 5),
    ]


def test_what_settings_show_can_be_sent_back() -> None:
    """GET, then PATCH with the same document, changes nothing."""
    assert changed(FIGURES, json.loads(json.dumps(FIGURES.as_json()))).as_json() == FIGURES.as_json()


def test_all_faults_of_a_change_come_at_once() -> None:
    change = {
        "email": {"rate_per_s": -1, "loss": 1.5, "speed": 2},
        "sms": {"delay_median_s": "8", "delay_sigma": math.nan, "rate_per_s": True},
        "fax": {"rate_per_s": 1},
        "civil_registry": {"latency_p99_s": 0.1, "rate_per_s": 10**400},
    }
    assert faults_of(changed, FIGURES, change) == [
        ("email.rate_per_s", "invalid"),
        ("email.loss", "invalid"),
        ("email.speed", "unknown"),
        ("sms.delay_median_s", "invalid"),
        ("sms.delay_sigma", "invalid"),
        ("sms.rate_per_s", "invalid"),
        ("fax", "unknown"),
        ("civil_registry.rate_per_s", "invalid"),
        ("civil_registry.latency_p99_s", "invalid"),
    ]
    assert faults_of(changed, FIGURES, {"sms": 5}) == [("sms", "invalid")]


@pytest.mark.parametrize(
    "spans",
    [
        5,
        [5],
        [{"start_s": 0, "end_s": 10}],
        [{"start_s": 0, "end_s": 10, "count": 1, "per_day": 1}],
        [{"start_s": 10, "end_s": 10, "count": 1}],
        [{"start_s": 0, "end_s": 10, "count": -1}],
        [{"start_s": 0, "end_s": 10, "count": 1, "note": "x"}],
        [{"start_s": 0, "end_s": 10, "count": 1}, {"start_s": 9, "end_s": 20, "count": 1}],
    ],
)
def test_an_allowance_that_makes_no_sense_is_refused(spans: object) -> None:
    assert faults_of(changed, FIGURES, {"civil_registry": {"allowance": spans}}) == [
        ("civil_registry.allowance", "invalid")
    ]


def test_the_metrics_page_is_valid_prometheus_text() -> None:
    """Read by the client library's own parser: names, types, and the ledgers' counts."""
    registry, sms = RegistryLedger(match=3, refused_rate=2), GatewayLedger(distinct=5, delivered=3, lost=1)
    registry.traffic.count(0.0)
    page = metrics_page(
        ledgers={"civil_registry": registry, "email": GatewayLedger(), "sms": sms},
        figures=FIGURES,
        allowance_left=7,
        delivery_connections=2,
    )
    assert page.endswith("\n")
    families = {each.name: each for each in text_string_to_metric_families(page)}
    assert all(each.documentation and each.type in {"counter", "gauge"} for each in families.values())
    values = {(each.name, *each.labels.values()): each.value for metric in families.values() for each in metric.samples}
    assert values["partner_requests_total", "civil_registry", "match"] == 3
    assert values["partner_requests_total", "civil_registry", "refused_rate"] == 2
    assert values["partner_messages_pending", "sms"] == 1
    assert values["partner_busiest_window_requests", "civil_registry", "1"] == 1
    assert values[("partner_allowance_left_requests",)] == 7
    assert values[("partner_delivery_connections",)] == 2


def test_odd_labels_and_values_survive_the_exposition() -> None:
    text = family("x_total", "counter", "a\\b\nc", [({"name": 'quote " slash \\ line\n'}, math.inf), ({}, math.nan)])
    [metric] = text_string_to_metric_families(text)
    assert metric.documentation == "a\\b\nc"
    assert metric.samples[0].labels == {"name": 'quote " slash \\ line\n'}
    assert metric.samples[0].value == math.inf
    assert math.isnan(metric.samples[1].value)
