"""Who of the staff may do what, and what is kept of a password."""

import pytest

from service.actions.staff_orders import ORDERS
from service.domain import staff
from service.domain.staff import RULES, Cost, Role
from service.web.staff_orders import BODIES, FURTHER_BODIES

CHEAP = Cost(2**4, 8, 1)
LOOKS = {"status", "events", "preview", "queues", "waves", "proposals", "audit", "staff-sessions"}


def test_every_verb_has_its_rule_and_every_rule_its_verb():
    assert set(RULES) == {*ORDERS, *LOOKS, "confirm"}
    assert set(ORDERS) == {*BODIES, *FURTHER_BODIES}


def test_each_role_may_what_those_before_it_may():
    allowed = {role: {verb for verb in RULES if staff.may(role, verb)} for role in Role}
    assert allowed[Role.VIEWER] < allowed[Role.OPERATOR] < allowed[Role.ADMINISTRATOR] == set(RULES)
    assert allowed[Role.VIEWER] <= LOOKS
    assert not staff.may(Role.ADMINISTRATOR, "burn")


def test_what_cannot_be_taken_back_needs_two():
    assert {verb for verb, rule in RULES.items() if rule.two} == {"wave-close", "draw-publish"}


def test_a_password_is_known_by_its_hash():
    """As it is typed, small letters, blanks and what is misread; of another salt there is another hash."""
    password = staff.new_password(bytes(range(10)))
    read = staff.read_password(password)
    assert read is not None and len(read) == staff.PASSWORD_LENGTH
    kept = staff.hashed(read, b"s" * 16, CHEAP)
    assert staff.is_password(staff.read_password(password.lower().replace("-", " ")) or "", kept)
    assert not staff.is_password(read[:-1] + ("0" if read[-1] != "0" else "2"), kept)
    assert not staff.is_password(read, kept[:-1] + ("0" if kept[-1] != "0" else "1"))
    assert staff.hashed(read, b"t" * 16, CHEAP).rpartition("$")[2] != kept.rpartition("$")[2]
    assert read not in kept


def test_the_hash_is_that_of_rfc_7914():
    """Section 12: scrypt of "password" with the salt "NaCl", N 1024, r 8, p 16."""
    kept = staff.hashed("password", b"NaCl", Cost(1024, 8, 16))
    assert kept.rpartition("$")[2] == "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"


@pytest.mark.parametrize("typed", ["", "short", "KQ7M-2XDA-9FTN-B3RV-0", "KQ7M-2XDA-9FTN-B3R!"])
def test_what_cannot_be_a_password_is_seen(typed):
    assert staff.read_password(typed) is None


@pytest.mark.parametrize(
    ("failures", "age", "wait"), [(0, 0, 0), (9, 0, 0), (10, 0, 3600), (10, 3000, 600), (10, 3601, 0)]
)
def test_codes_are_tried_ten_times_an_hour(failures, age, wait):
    assert staff.guessing_wait_s(failures, age) == wait
