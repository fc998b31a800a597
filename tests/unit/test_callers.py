"""How much one network may ask of the staff's sign-in, and that it costs nobody else anything."""

import pytest

from service.domain import callers
from service.domain.callers import AT_ONCE, WINDOW_S, WRONG_OF_ADDRESS, WRONG_OF_NAME, Tries

JUNK, OFFICE = "203.0.113.7", "198.51.100.4"


def wrong(tries: Tries, network: str, name: str, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        assert tries.wait_s(network, name, now) == 0.0
        tries.mistake(network, name, now)


def test_wrong_passwords_shut_out_the_network_and_the_name_and_nobody_else() -> None:
    tries = Tries()
    wrong(tries, JUNK, "Sri", WRONG_OF_NAME)
    assert tries.wait_s(JUNK, "Sri", 10.0) == WINDOW_S - 10.0
    assert tries.wait_s(JUNK, "Budi", 10.0) == 0.0, "of the same office"
    assert tries.wait_s(OFFICE, "Sri", 10.0) == 0.0, "the same person from elsewhere"
    assert tries.wait_s(JUNK, "Sri", WINDOW_S + 1.0) == 0.0


def test_other_names_do_not_help_one_network() -> None:
    tries = Tries()
    for number in range(WRONG_OF_ADDRESS):
        wrong(tries, JUNK, f"name {number}", 1, now=float(number))
    assert tries.wait_s(JUNK, "another", 40.0) == WINDOW_S - 40.0
    assert tries.wait_s(JUNK, "another", WINDOW_S + 0.5) == 0.0, "the first one is forgotten, and one may come"
    assert tries.wait_s(OFFICE, "another", 40.0) == 0.0


def test_what_is_under_way_is_bounded_by_network_also_when_it_breaks() -> None:
    tries = Tries()
    with tries.under_way(JUNK), tries.under_way(JUNK):
        assert AT_ONCE == 2 and tries.wait_s(JUNK, "Sri", 0.0) > 0.0
        assert tries.wait_s(OFFICE, "Sri", 0.0) == 0.0
    with pytest.raises(KeyError), tries.under_way(JUNK):
        raise KeyError
    assert tries.wait_s(JUNK, "Sri", 0.0) == 0.0


def test_the_right_password_forgives_its_name() -> None:
    tries = Tries()
    wrong(tries, OFFICE, "Sri", WRONG_OF_NAME - 1)
    wrong(tries, OFFICE, "Budi", 2)
    tries.forgive(OFFICE, "Sri")
    wrong(tries, OFFICE, "Sri", WRONG_OF_NAME)
    assert tries.wait_s(OFFICE, "Sri", 0.0) > 0.0


def test_it_remembers_so_many_networks_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callers, "MOST_ADDRESSES", 2)
    tries = Tries()
    for network in ("a", "b", "a", "c"):
        wrong(tries, network, "Sri", WRONG_OF_NAME if network != "a" else 2)
    assert tries.wait_s("b", "Sri", 0.0) == 0.0, "its last mistake is the oldest"
    assert tries.wait_s("c", "Sri", 0.0) > 0.0
