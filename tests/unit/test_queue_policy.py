"""Every queue has a policy, a handler and its metrics, and the figures of the policies fit together."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from service.metrics import QUEUES
from service.queue_ports import Job
from service.queues.heartbeat import BEAT
from service.queues.policy import CATCH_UP, LONGEST_TICK, TICK, policies
from service.queues.worker import HANDLERS
from service.settings import Settings, load


def settings(**values: str) -> Settings:
    variables = {"DATABASE_URL": "postgresql://nowhere", "REGISTRATION_SECRET_KEY": "07" * 32}
    return load(variables | {f"REGISTRATION_{name}": value for name, value in values.items()})


def test_every_queue_is_drained_and_seen() -> None:
    assert policies(settings()).keys() == HANDLERS.keys() == set(QUEUES)


@pytest.mark.parametrize(("rate", "batch"), [("0.15", 1), ("5", 1), ("100", 7), ("500", 32), ("100000", 64)])
def test_a_claim_brings_a_tick_s_share_of_the_rate(rate: str, batch: int) -> None:
    """Never nothing, never more than can be handled side by side."""
    policy = policies(settings(EMAIL_RATE=rate))["email"]
    assert policy.batch(TICK, policy.rate_per_s) == batch
    assert policy.batch(0.0, policy.rate_per_s) == batch
    assert policy.batch(TICK, policy.rate_per_s) < float(rate) * TICK * CATCH_UP + 1


def test_a_late_claim_makes_up_for_it_within_bounds() -> None:
    policy = policies(settings(EMAIL_RATE="100"))["email"]
    assert policy.batch(2 * TICK, 100.0) == 13
    assert policy.batch(3600.0, 100.0) == policy.batch(LONGEST_TICK, 100.0) == 32
    assert policy.batch(TICK, 200.0) == 13  # an operator raised the quota


def test_a_lease_is_renewed_until_the_slowest_honest_handling_is_over() -> None:
    """A call at its deadline; before and after it a wait for a connection (2 s) and a statement at its limit (12 s).
    One renewal may fail and the next be as late as a main loop may be."""
    for policy in policies(settings(PARTNER_TIMEOUT="5")).values():
        assert policy.longest > 5 + 2 * (2 + 12)
        assert 2 * BEAT + policy.lease / 4 < policy.lease


def test_switches_take_limits_and_rates_away() -> None:
    off = policies(settings(BOUNDED_QUEUES="off", PARTNER_PACING="off"))
    assert {(policy.limit, policy.rate_per_s) for policy in off.values()} == {(-1, -1.0)}


def test_limits_and_rates_are_those_of_the_settings() -> None:
    table = policies(settings(IDENTITY_QUEUE_LIMIT="77", CIVIL_REGISTRY_RATE="2.5"))
    assert (table["identity"].limit, table["identity"].rate_per_s) == (77, 2.5)


def test_databases_made_anew_do_not_repeat_the_names_of_their_calls() -> None:
    """Job 1 of another database is about somebody else: a partner that remembers both must tell them apart."""

    def key(check: str) -> str:
        job = Job(1, "identity", {"account_id": check, "version": 1}, 1, 1, UUID(int=0), datetime.now(UTC), False)
        return job.idempotency_key

    assert key("one") == key("one") != key("other")
    assert len(key("one")) <= 255
