"""What the partners decide: match or not, error, delay, loss; the same for the same people whatever the order."""

import math
from statistics import median, quantiles

import pytest

from scenarios.capacities import AllowanceSpan, Gateway, Registry
from scenarios.identity_numbers import family_card_of
from scenarios.partners.civil_registry import CivilRegistry
from scenarios.partners.gateway import EMAIL, SMS, MessageGateway, draw_number
from scenarios.partners.requests import Check, Message

NIK = "3372995708940001"
BORN = "1994-08-17"
GATEWAY = Gateway(rate_per_s=1e6, delay_median_s=8.0, delay_sigma=1.2, loss=0.05)
REGISTRY = Registry(rate_per_s=1e6, allowance=(), latency_median_s=0.15, latency_p99_s=2.0, error_ratio=0.005)


def a_check(serial: int = 1) -> Check:
    nik = f"{NIK[:12]}{serial:04}"
    return Check(nik, family_card_of(nik), BORN)


def registry(**changes: object) -> CivilRegistry:
    figures = {"rate_per_s": 1e6, "allowance": (), "latency_median_s": 0.0, "latency_p99_s": 0.0, "error_ratio": 0.0}
    return CivilRegistry(Registry(**{**figures, **changes}), seed=1)  # type: ignore[arg-type]


def test_the_registry_knows_who_belongs_together() -> None:
    """Match only when number, family card and birth date are one person's."""
    desk, right = registry(), a_check()
    wrong_digit = Check(f"{NIK[:12]}9001", right.family_card_number, BORN)
    other_card = Check(right.nik, family_card_of(a_check(2).nik), BORN)
    other_birth = Check(right.nik, right.family_card_number, "1994-08-18")
    answers = [desk.ask(each, str(n), 0, 0) for n, each in enumerate((right, wrong_digit, other_card, other_birth))]
    assert [(each.status, each.match) for each in answers] == [(200, True), (200, False), (200, False), (200, False)]
    assert (desk.ledger.match, desk.ledger.mismatch, desk.ledger.distinct) == (1, 3, 4)


def test_a_key_asked_again_gets_its_answer_and_takes_nothing() -> None:
    """Neither rate nor allowance, and it is counted apart."""
    desk = registry(rate_per_s=1, allowance=(AllowanceSpan(start_s=0, end_s=10, count=1),))
    assert desk.ask(a_check(), "a", 0, 0).match
    assert desk.ask(a_check(), "a", 0, 0).match
    assert desk.ledger.traffic.duplicates == 1
    assert desk.ledger.distinct == 1
    assert desk.ledger.as_json()["answered"] == 2


def test_refusals_name_their_reason() -> None:
    """Over the rate, and over the allowance, which is checked after the rate."""
    desk = registry(rate_per_s=1, allowance=(AllowanceSpan(start_s=0, end_s=100, count=1),))
    assert desk.ask(a_check(1), "1", 0.0, 0.0).status == 200
    over_rate = desk.ask(a_check(2), "2", 0.5, 0.5)
    assert (over_rate.status, over_rate.error, over_rate.retry_after) == (429, "rate_exceeded", 0.5)
    exhausted = desk.ask(a_check(2), "3", 10.0, 10.0)
    assert (exhausted.status, exhausted.error, exhausted.retry_after) == (429, "allowance_exhausted", 90.0)
    assert (desk.ledger.refused_rate, desk.ledger.refused_allowance) == (1, 1)


def test_errors_take_no_allowance_and_their_key_may_be_tried_again() -> None:
    """An injected error is no answer."""
    desk = registry(error_ratio=1.0, allowance=(AllowanceSpan(start_s=0, end_s=10, count=1),))
    assert {desk.ask(a_check(n), "same", 0, 0).status for n in range(40)} == {500, 503}
    assert desk.allowance.left(0) == 1
    assert (desk.ledger.errors, desk.ledger.distinct) == (40, 0)


def test_latency_and_errors_have_the_figures_shape() -> None:
    """Median 150 ms, 99th percentile 2 s, 0.5 % errors, over 9,000 checks."""
    desk = CivilRegistry(REGISTRY, seed=3)
    answers = [desk.ask(a_check(n), str(n), 0, 0) for n in range(1, 9000)]
    latencies = [each.latency for each in answers]
    assert median(latencies) == pytest.approx(0.15, rel=0.05)
    assert quantiles(latencies, n=100)[98] == pytest.approx(2.0, rel=0.15)
    assert sum(each.status != 200 for each in answers) == pytest.approx(45, abs=25)


def test_the_registrys_luck_follows_the_person_not_the_order() -> None:
    """Another order of asking, and refusals on the way, change nobody's latency or error."""
    straight, shuffled = CivilRegistry(REGISTRY, seed=1), CivilRegistry(REGISTRY, seed=1)
    people = range(1, 400)
    first = {n: straight.ask(a_check(n), str(n), 0, 0) for n in people}
    second = {}
    for n in sorted(people, key=lambda n: math.sin(n)):
        shuffled.change(Registry(0.0, 0.15, 2.0, 0.005))
        assert shuffled.ask(a_check(n), f"refused-{n}", 0, 0).status == 429
        shuffled.change(REGISTRY)
        second[n] = shuffled.ask(a_check(n), str(n), 0, 0)
    assert first == second
    assert first != {n: CivilRegistry(REGISTRY, seed=2).ask(a_check(n), str(n), 0, 0) for n in people}


def test_a_gateway_takes_its_throughput_and_says_when_to_come_back() -> None:
    """2/s: the third message of a second is refused, a known key is not counted against it."""
    gateway = MessageGateway(SMS, Gateway(2.0, 8.0, 1.2, 0.0), seed=1)
    message = Message("+6280000000001", "kode 123456")
    first = gateway.send(message, "a", 0.0)
    assert gateway.send(message, "b", 0.1).id
    refused = gateway.send(message, "c", 0.2)
    assert (refused.id, refused.delay) == ("", None)
    assert refused.retry_after == pytest.approx(0.8)
    again = gateway.send(message, "a", 0.3)
    assert (again.id, again.delay) == (first.id, None)
    assert gateway.ledger.outcomes() == {"accepted": 2, "refused_rate": 1, "duplicate": 1, "invalid": 0, "unserved": 0}
    assert gateway.ledger.pending == 2


def test_delay_and_loss_have_the_figures_shape() -> None:
    """Median 8 s, sigma 1.2, 5 % lost, over 10,000 messages."""
    gateway = MessageGateway(EMAIL, GATEWAY, seed=1)
    accepted = [gateway.send(Message(f"p{k:09}@people.example", "x"), str(k), 0.0) for k in range(10_000)]
    delays = [each.delay for each in accepted if each.delay is not None]
    assert median(delays) == pytest.approx(8.0, rel=0.05)
    assert quantiles(delays, n=100)[83] == pytest.approx(8.0 * math.exp(1.2 * 0.9945), rel=0.08)
    assert gateway.ledger.lost == 10_000 - len(delays)
    assert gateway.ledger.lost == pytest.approx(500, abs=70)


def test_a_messages_luck_follows_the_address_not_the_order() -> None:
    """And the two channels, and a second message to the same address, have luck of their own."""
    messages = [Message(f"+6280{k:09}", "x") for k in range(200)]
    forwards, backwards = MessageGateway(SMS, GATEWAY, seed=1), MessageGateway(SMS, GATEWAY, seed=1)
    first = {each.to: forwards.send(each, each.to, 0.0).delay for each in messages}
    assert first == {each.to: backwards.send(each, each.to, 0.0).delay for each in reversed(messages)}
    second = {each.to: forwards.send(each, f"{each.to} again", 0.0).delay for each in messages}
    assert first != second


def test_anybodys_address_has_draws_of_its_own() -> None:
    """Ours are keyed by the applicant's number, so both addresses of a person are; others by a hash."""
    assert draw_number("p000000042@people.example") == draw_number("+6280000000042") == 42
    assert draw_number("me@example.org") != draw_number("you@example.org")
    assert 0 <= draw_number("me@example.org") < 2**63
