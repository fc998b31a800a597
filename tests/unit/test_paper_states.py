"""The way of a paper, the codes of invitations, and the table that finds who stands twice."""

import re
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import paper_states as rules
from service.domain.first_seen import FirstSeen
from service.domain.messages import claim_message
from service.domain.paper_states import PHRASES, UNREGISTERED, Outcome, PaperState, outcome_of, state_of

KEY = bytes(range(32))


def test_no_step_of_a_paper_is_a_registration():
    """Only an account is; and what an office reads of all the others begins with NOT."""
    assert {state_of(step, False) for step in range(1, 5)} == set(UNREGISTERED)
    assert {state_of(step, True) for step in range(1, 5)} == {PaperState.REGISTERED}
    assert all(PHRASES[state].startswith("BELUM TERDAFTAR") for state in UNREGISTERED)
    assert PHRASES[PaperState.REGISTERED].startswith("TERDAFTAR")
    assert [state.word for state in PaperState] == [
        "collected", "forwarded", "received", "account_invited", "registered",
    ]  # fmt: skip
    assert PaperState.REGISTERED not in {*rules.BY_HAND, *rules.BY_HAND.values()}


def test_what_is_known_and_the_same_is_never_touched():
    """Whatever else is so; and a table that was taken before changes nothing at all."""
    names = ("is_kept", "is_same", "has_account", "renumbers", "was_taken")
    changing = {Outcome.ADDED, Outcome.CHANGED, Outcome.RENUMBERED}
    for values in product((False, True), repeat=5):
        facts = dict(zip(names, values, strict=True))
        outcome = outcome_of(**facts)
        if facts["was_taken"] or (facts["is_kept"] and facts["has_account"]):
            assert outcome not in changing
        if facts["is_kept"] and facts["is_same"]:
            assert outcome is Outcome.UNCHANGED
    plain = dict.fromkeys(names, False)
    assert outcome_of(**plain) is Outcome.ADDED
    assert outcome_of(**plain | {"renumbers": True}) is Outcome.RENUMBERED
    assert outcome_of(**plain | {"is_kept": True}) is Outcome.CHANGED


def test_a_claim_code_is_its_invitation_s_alone():
    codes = {rules.claim_code(KEY, person, generation) for person in range(200) for generation in range(1, 6)}
    assert len(codes) == 1000
    code = rules.claim_code(KEY, 7, 1)
    assert code == rules.claim_code(KEY, 7, 1) != rules.claim_code(bytes(32), 7, 1)
    assert rules.read_code(rules.written(code).lower().replace("-", " ")) == code
    assert rules.read_code(code[:-1]) is None and rules.read_code(code[:-1] + "U") is None


@pytest.mark.parametrize(
    ("right", "over", "failures", "reason"),
    [
        (True, False, 0, ""),
        (True, False, 4, ""),
        (False, False, 4, "wrong"),
        (True, False, 5, "too-many-tries"),
        (True, True, 0, "expired"),
        (False, True, 0, "expired"),
    ],
)
def test_why_a_claim_is_refused(right, over, failures, reason):
    assert rules.claim_refusal(is_right=right, is_over=over, failures=failures) == reason


def test_the_invitation_is_one_sms_and_says_first_that_nobody_is_registered():
    """At 17:00 UTC it is the next day in Jakarta. No run of six digits can be taken for a one-time code."""
    text = claim_message("0123-4567-8901", datetime(2020, 5, 19, 17, tzinfo=UTC))
    assert text.startswith("Anda BELUM TERDAFTAR") and text.endswith("sampai 20/05/2020.")
    assert len(text) <= 160 and text.isascii()
    assert not re.search(r"\d{6}", text)


@given(st.lists(st.integers(1, 50) | st.integers(1, 2**64 - 1), max_size=300))
def test_each_number_keeps_its_first_row(numbers):
    """As a dict tells it."""
    seen = FirstSeen()
    expected: dict[int, int] = {}
    for row, number in enumerate(numbers, start=1):
        assert seen.row_of(number, row) == expected.setdefault(number, row)


def test_a_million_numbers_fit_in_fifty_megabytes():
    """A tenth of them here: the table doubles, so the bytes for each number stay between 24 and 48."""
    seen = FirstSeen()
    for number in range(1, 100_001):
        assert seen.row_of(number * 10**10 + 7, number) == number
    assert seen.row_of(10**10 + 7, 200_000) == 1
    assert 24 <= seen.size_bytes / 100_000 <= 48
