"""Access codes of labor offices as people type them, and how often they may be guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import offices as rules

DRAWN = bytes(range(rules.CODE_BYTES))


@given(st.binary(min_size=rules.CODE_BYTES, max_size=rules.CODE_BYTES))
def test_what_is_written_is_read_again(drawn):
    """Each code, in capitals or not, with blanks instead of dashes, and with what is easily misread."""
    code = rules.new_code(drawn)
    text = rules.written(*code)
    assert len(text) == 19 and not set(text) & set("ILOU")
    for typed in (text, text.lower(), text.replace("-", " "), text.replace("-", ""), f" {text} "):
        assert rules.read_code(typed) == code
    assert rules.read_code(text.replace("0", "O").replace("1", "l")) == code


def test_codes_of_different_draws_differ():
    """All 80 bits count: a change of any one makes another code."""
    codes = {
        rules.new_code(bytes(each ^ (1 << bit) if at == place else each for at, each in enumerate(DRAWN)))
        for place in range(rules.CODE_BYTES)
        for bit in range(8)
    }
    assert len(codes | {rules.new_code(DRAWN)}) == 81


@pytest.mark.parametrize(
    "typed", ["", "ABCD", "ABCD-EFGH-JKMN-PQR", "ABCD-EFGH-JKMN-PQRST", "ABCD-EFGH-JKMN-PQR!", "é" * 16]
)
def test_what_cannot_be_a_code_is_none(typed):
    assert rules.read_code(typed) is None


def test_a_guesser_waits_out_the_hour():
    """Ten wrong codes, then nothing until an hour after the first of them."""
    most = rules.MOST_FAILURES
    assert [rules.guessing_wait_s(count, 60.0) for count in (0, most - 1)] == [0.0, 0.0]
    assert rules.guessing_wait_s(most, 60.0) == rules.HOUR_S - 60.0
    assert rules.guessing_wait_s(most, rules.HOUR_S) == 0.0
