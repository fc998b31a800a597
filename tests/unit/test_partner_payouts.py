"""The simulated payout partners: a key decides once, accounts are what their last digits say."""

from scenarios.capacities import PAYOUTS, Payouts
from scenarios.partners.payout import PayoutPartners
from scenarios.partners.requests import Account, Payment

GOOD = Account("ovo", "+6280000000001")


def partners(figures: Payouts = PAYOUTS) -> PayoutPartners:
    return PayoutPartners(figures, seed=1)


def test_what_is_asked_again_is_paid_once() -> None:
    everybody = partners()
    first = everybody.pay(Payment(GOOD, 600_000), "a", 0.0)
    assert everybody.pay(Payment(GOOD, 600_000), "a", 9.0) == first
    assert everybody.pay(Payment(GOOD, 50_000), "b", 9.0).id != first.id
    assert everybody.received(GOOD) == 650_000
    assert everybody.statement().splitlines() == ["key,method,amount", "a,ovo,600000", "b,ovo,50000"]
    assert (everybody.ledger.paid, everybody.ledger.amount, everybody.ledger.traffic.duplicates) == (2, 650_000, 1)


def test_accounts_are_what_their_last_digits_say() -> None:
    everybody = partners()

    def outcome(digits: str) -> str:
        return everybody.check(Account("bni", f"12345678{digits}"), f"check-{digits}", 0.0).outcome

    assert [outcome(digits) for digits in ("00", "97", "98", "99")] == ["ok", "ok", "no_such_account", "other_holder"]
    closed = everybody.pay(Payment(Account("bni", "1234567897"), 1), "closed", 0.0)
    assert (closed.status, closed.error) == (422, "account_closed")
    assert everybody.pay(Payment(GOOD, 1), "closed", 0.0) == closed  # a key that was refused stays refused
    assert everybody.received(GOOD) == 0


def test_errors_and_the_rate_decide_nothing() -> None:
    everybody = partners(Payouts(rate_per_s=1.0, error_ratio=1.0))
    assert everybody.pay(Payment(GOOD, 1), "a", 0.0).status == 500
    assert everybody.pay(Payment(GOOD, 1), "a", 0.5).status == 429
    everybody.change(PAYOUTS)
    assert everybody.pay(Payment(GOOD, 1), "a", 2.0).status == 200
