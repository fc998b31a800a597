"""Codes by time: the vectors of both RFCs, the drift of a phone's clock, and that a code is good once."""

from base64 import b32decode
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import totp

SECRET = b"12345678901234567890"
"""That of the appendices."""


def test_the_vectors_of_rfc_4226():
    """Appendix D: counters 0 to 9."""
    codes = [totp.code_at(SECRET, counter) for counter in range(10)]
    assert codes == ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]


@pytest.mark.parametrize(
    ("unix_s", "code"),
    [
        (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
        (2000000000, "69279037"), (20000000000, "65353130"),
    ],
)  # fmt: skip
def test_the_vectors_of_rfc_6238(unix_s, code):
    """Appendix B, SHA-1, eight digits; six of them are what we show."""
    assert totp.code_at(SECRET, totp.step_of(unix_s), digits=8) == code
    assert totp.code_at(SECRET, totp.step_of(unix_s)) == code[2:]


@pytest.mark.parametrize(("off", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_phone_may_be_one_step_off(off, accepted):
    now = 1_600_000_000.0
    step = totp.step_of(now) + off
    found = totp.accepted_step(SECRET, totp.code_at(SECRET, step), now, totp.NEVER)
    assert found == (step if accepted else totp.NEVER)


def test_a_code_is_good_once():
    """Neither it nor one before it is taken again; the next one is."""
    now = 1_600_000_000.0
    step = totp.step_of(now)
    assert totp.accepted_step(SECRET, totp.code_at(SECRET, step), now, step) == totp.NEVER
    assert totp.accepted_step(SECRET, totp.code_at(SECRET, step - 1), now, step) == totp.NEVER
    assert totp.accepted_step(SECRET, totp.code_at(SECRET, step + 1), now, step) == step + 1


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "\x00", "94287082"])
def test_what_is_no_code_is_refused(typed):
    assert totp.accepted_step(SECRET, typed, 59.0, totp.NEVER) == totp.NEVER


@given(st.binary(min_size=20, max_size=20), st.floats(0, 4e9), st.lists(st.integers(-3, 3), max_size=12))
def test_accepted_steps_only_rise(secret, began, offsets):
    """Whatever a person types and in whatever order, no step is taken twice."""
    last, taken = totp.NEVER, []
    for number, offset in enumerate(offsets):
        now = began + 10.0 * number
        typed = totp.code_at(secret, max(totp.step_of(now) + offset, 0))
        step = totp.accepted_step(secret, typed, now, last)
        if step != totp.NEVER:
            last = step
            taken.append(step)
    assert taken == sorted(set(taken))


def test_an_app_reads_the_secret():
    """`492 039` is typed as it is shown; the address holds what was sealed."""
    parts = urlsplit(totp.address(SECRET, "Sri Rahayu"))
    assert (parts.scheme, parts.netloc, parts.path) == ("otpauth", "totp", "/launchnight:Sri%20Rahayu")
    assert b32decode(parse_qs(parts.query)["secret"][0]) == SECRET
    code = totp.code_at(SECRET, 1)
    assert totp.accepted_step(SECRET, f" {code[:3]} {code[3:]}", 59.0, totp.NEVER) == 1
