"""Exit codes: the first of 130, 1, 2, 4, 6, 5, 3 wins."""

from itertools import combinations

import pytest

from loadtests.harness.errors import PRECEDENCE, Exit, HarnessError, NotReady, Refusal, first_of


def test_the_order_is_the_documented_one() -> None:
    assert [int(code) for code in PRECEDENCE] == [130, 1, 2, 4, 6, 5, 3, 0]


@pytest.mark.parametrize("pair", list(combinations(PRECEDENCE, 2)))
def test_of_two_the_earlier_wins_in_either_order(pair: tuple[Exit, Exit]) -> None:
    assert first_of(list(pair)) == first_of(list(reversed(pair))) == pair[0]


def test_nothing_wrong_is_ok() -> None:
    assert first_of([]) == Exit.OK


def test_each_error_has_its_code_and_all_faults() -> None:
    error = Refusal("one", "two")
    assert (error.exit_code, error.faults, str(error)) == (2, ("one", "two"), "one\ntwo")
    assert NotReady("x").exit_code == 4
    assert HarnessError("x").exit_code == 1
