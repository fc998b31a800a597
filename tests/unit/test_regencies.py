"""The list of regencies and cities against the ministry's totals, counted apart from it."""

from collections import Counter

from service.domain.regencies import REGENCIES, by_province, is_city, regency_name
from service.domain.regions import PROVINCES, is_regency

# Regencies and cities per province as the ministry published them for 2020; they do not come from the list itself.
TOTALS = {
    11: (18, 5), 12: (25, 8), 13: (12, 7), 14: (10, 2), 15: (9, 2), 16: (13, 4), 17: (9, 1), 18: (13, 2), 19: (6, 1),
    21: (5, 2), 31: (1, 5), 32: (18, 9), 33: (29, 6), 34: (4, 1), 35: (29, 9), 36: (4, 4), 51: (8, 1), 52: (8, 2),
    53: (21, 1), 61: (12, 2), 62: (13, 1), 63: (11, 2), 64: (7, 3), 65: (4, 1), 71: (11, 4), 72: (12, 1), 73: (21, 3),
    74: (15, 2), 75: (5, 1), 76: (6, 0), 81: (9, 2), 82: (8, 2), 91: (28, 1), 92: (12, 1),
}  # fmt: skip


def test_each_province_has_its_number_of_regencies_and_cities():
    counted = Counter((code // 100, is_city(code)) for code in REGENCIES)
    assert {province: (counted[province, False], counted[province, True]) for province in PROVINCES} == TOTALS
    assert len(REGENCIES) == sum(map(sum, TOTALS.values())) == 514


def test_codes_obey_the_rule_of_identity_numbers():
    assert all(is_regency(code % 100) and code // 100 in PROVINCES for code in REGENCIES)


def test_known_places_have_their_codes():
    """Anchors from outside the list: FACTS of the night name these four."""
    assert [regency_name(code) for code in (3372, 3578, 5207, 5271)] == [
        "Kota Surakarta", "Kota Surabaya", "Kab. Sumbawa Barat", "Kota Mataram",
    ]  # fmt: skip


def test_nobody_chooses_between_two_places_of_the_same_name():
    names = Counter(map(regency_name, REGENCIES))
    assert [name for name, times in names.items() if times > 1] == []


def test_the_choice_holds_every_place_once_below_its_province():
    choice = by_province()
    assert [name for name, _ in choice] == sorted(PROVINCES.values())
    offered = [(PROVINCES[code // 100], code) for code in REGENCIES]
    assert sorted((province, code) for province, places in choice for code, _ in places) == sorted(offered)
