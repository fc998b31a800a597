"""One-time codes: life, tries, generations, budgets."""

import re
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from service.domain import codes
from service.domain.messages import code_message

instants = st.floats(0.0, 1e9)
HMAC_OF_ONE = "7c7f6da001c3ae5771ec6ed28fd12c6c8e8ce148d4d6bf2da869b0c3635eff02"
"""Of 16 + 8 bytes that are each the number 1, under 32 zero bytes, by openssl dgst -sha256 -mac hmac."""
lives = st.sampled_from([codes.LIFE_EMAIL_S, codes.LIFE_SMS_S])


@given(instants, st.floats(-10.0, 2000.0), lives)
def test_life_starts_at_the_hand_over(handed_at, age, life):
    alive = codes.code_alive(handed_at, handed_at + age, life)
    assert alive == ((handed_at + age) - handed_at < life)
    assert not codes.code_alive(-1.0, handed_at, life)


@given(st.integers(0, 50), st.floats(-1.0, 1e6), st.floats(0.0, 1e6), lives, st.integers(0, 10))
def test_a_generation_is_kept_while_it_can_be_used(generation, handed_at, now, life, failures):
    """The same code again exactly while it lives and may be tried; otherwise the next one, never an older."""
    following = codes.next_generation(generation, handed_at, now, life, failures)
    usable = generation > 0 and codes.code_alive(handed_at, now, life) and failures < 5
    assert following == (generation if usable else generation + 1)


def test_codes_are_six_digits_and_differ():
    """Each generation and request has its own; leading zeros stay; spread evenly over the million."""
    key, request = b"k" * 32, UUID(int=7)
    found = [codes.derive(key, request, generation) for generation in range(1, 5001)]
    assert all(len(code) == 6 and code.isdecimal() for code in found)
    assert len(set(found)) > 4950  # 12.5 pairs of equal ones are expected among 5,000 of a million
    assert sum(code.startswith("0") for code in found) > 400
    assert codes.derive(key, uuid4(), 1) != codes.derive(b"o" * 32, request, 1)
    wanted = int.from_bytes(bytes.fromhex(HMAC_OF_ONE)[:8], "big") % 1_000_000
    assert codes.derive(bytes(32), UUID(int=1), 1) == f"{wanted:06}"


def test_the_message_carries_one_run_of_six_digits():
    for channel, minutes in ((1, "10"), (2, "5")):
        text = code_message("012345", channel)
        assert re.findall(r"\b(\d{6})\b", text) == ["012345"]
        assert f" {minutes} menit" in text
        assert len(text) <= 160 and text.isascii()  # one SMS


def test_refusals_are_told_in_order():
    """What makes every try useless comes before whether this one was right."""
    life, now = 300.0, 1000.0
    cases = {
        (-1.0, 0, False): "not-sent-yet",
        (600.0, 0, False): "expired",
        (900.0, 5, False): "too-many-tries",
        (900.0, 4, False): "",
        (900.0, 0, True): "expired",
    }
    for (handed_at, failures, used), reason in cases.items():
        assert codes.refusal(handed_at, now, life, failures, used, True) == reason
        assert codes.refusal(handed_at, now, life, failures, used, False) == (reason or "wrong")


@given(st.lists(st.floats(0.0, 90_000.0), max_size=10), st.floats(0.0, 4000.0))
def test_the_budget_lets_five_in_an_hour_and_ten_in_a_day_pass(ages, later):
    """When asking is free, fewer than five were asked in the last hour and fewer than ten in the last day."""
    now = 100_000.0
    asked = sorted((now - age for age in ages if age < codes.DAY_S), reverse=True)
    wait = codes.budget_wait_s(asked, now)
    in_hour = sum(moment > now - codes.HOUR_S for moment in asked)
    assert (wait <= 0) == (in_hour < 5 and len(asked) < 10)
    assert codes.budget_wait_s(asked, now + max(wait, 0.0) + later) <= 0


def test_resends_cool_down():
    assert [codes.resend_wait_s(sends) for sends in (1, 2, 3, 4)] == [30.0, 60.0, 120.0, 120.0]
