"""Synthetic people: unique and valid numbers, shares as the night has them, the same person for the same seed."""

from collections import Counter
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios import catalogue, identity_numbers
from scenarios.identity_numbers import CAPACITY, family_card_of, is_match, serial_and_day, with_wrong_digit
from scenarios.networks import shares_in
from scenarios.population import Person, email_of, number_of, person, phone_of
from scenarios.provinces import BY_CODE, PROVINCES, ZONES
from service.domain import identity, regions

NIGHT = catalogue.load("prakerja-wave-1")
PEOPLE = [person(NIGHT, 1, number) for number in range(20_000)]


def near(share: float, count: int = len(PEOPLE)) -> object:
    """A share observed on `count` people, within four standard errors."""
    return pytest.approx(share, abs=4.0 * (share * (1.0 - share) / count) ** 0.5)


def test_provinces_are_those_of_2020() -> None:
    """34 provinces, 514 regencies and cities; the articles' places among them."""
    assert len(PROVINCES) == 34
    assert sum(len(province.regencies) for province in PROVINCES) == 514
    for province, regency in ((33, 72), (35, 78), (52, 7), (52, 71)):
        assert regency in BY_CODE[province].regencies


def test_provinces_and_regencies_are_known_to_the_service() -> None:
    """The service's own list agrees: another one would refuse applicants."""
    assert {province.code for province in PROVINCES} <= set(regions.PROVINCES)
    assert all(regions.is_regency(code) for province in PROVINCES for code in province.regencies)


def test_zone_shares_are_the_published_ones() -> None:
    """WIB 75.7 %, WITA 22.5 %, WIT 1.8 %, Java 50.7 %; Bengkulu, whose weight is assumed, is not in those shares."""
    published = {code: weight for code, weight in NIGHT.population.provinces.items() if code != "17"}
    population = replace(NIGHT.population, provinces=published)
    assert [round(100 * population.zone_shares[zone], 1) for zone in ZONES] == [75.7, 22.5, 1.8]
    java = sum(published[str(code)] for code in range(31, 37))
    assert round(100 * java / sum(published.values()), 1) == 50.7


def test_people_are_spread_as_the_night_says() -> None:
    """Provinces, channels, patience, networks and typing errors of 20,000 people."""
    population = NIGHT.population
    total = sum(population.provinces.values())
    provinces = Counter(each.province for each in PEOPLE)
    for code in ("32", "35", "31", "92"):
        assert provinces[int(code)] / len(PEOPLE) == near(population.provinces[code] / total)
    assert np.mean([each.email is not None for each in PEOPLE]) == near(population.share_with_email)
    by_email = population.share_with_email * population.email_channel_share
    assert np.mean([each.channel == "email" for each in PEOPLE]) == near(by_email)
    others = [each for each in PEOPLE if not each.is_older and each.office < 0]
    assert wrong_digits(others) == near(population.wrong_digit_share, len(others))
    assert np.mean([each.is_under_age for each in PEOPLE]) == near(population.under_age_share)
    patience = Counter(each.patience for each in PEOPLE)
    assert [patience[i] / len(PEOPLE) for i in range(3)] == [near(0.25), near(0.5), near(0.25)]
    for i, profile in enumerate(NIGHT.networks.values()):
        assert np.mean([each.network == i for each in PEOPLE]) == near(profile.share)


def wrong_digits(people: list[Person]) -> float:
    """The share of these who mistype a digit."""
    return float(np.mean([each.typed_nik != each.nik for each in people]))


def test_older_people_make_more_mistakes() -> None:
    """From the age of the night on, reckoned at the opening; about a sixth of all."""
    older = NIGHT.population.older
    assert older is not None
    found = [each for each in PEOPLE if each.is_older and each.office < 0]
    assert wrong_digits(found) == near(older.wrong_digit_share, len(found))
    assert 0.13 < len(found) / len(PEOPLE) < 0.22
    assert all((each.birth_date <= "1980-04-11") == each.is_older for each in PEOPLE)


def test_who_is_helped_at_an_office_has_mostly_no_email() -> None:
    """The office is that of the own regency; a helper's machine keeps its pages."""
    assisted = NIGHT.population.assisted
    assert assisted is not None
    many = replace(NIGHT, population=replace(NIGHT.population, assisted=replace(assisted, share=0.5)))
    people = [person(many, 1, number) for number in range(4000)]
    found = [each for each in people if each.office >= 0]
    assert len(found) / len(people) == near(0.5, len(people))
    assert np.mean([each.email is not None for each in found]) == near(assisted.share_with_email, len(found))
    assert wrong_digits(found) == near(assisted.wrong_digit_share, len(found))
    assert all(each.office == each.province * 100 + each.regency and not each.low_memory for each in found)
    # Whoever is not helped is whom she was.
    assert [each for each in people if each.office < 0] == [PEOPLE[each.number] for each in people if each.office < 0]


def test_phones_short_of_memory_are_those_of_the_night() -> None:
    browsers = NIGHT.population.browsers
    assert browsers is not None
    for place, device in enumerate(NIGHT.population.devices):
        having = [each.low_memory for each in PEOPLE if each.device == place and each.office < 0]
        assert np.mean(having) == near(browsers.low_memory.get(device, 0.0), len(having))


def test_a_night_without_these_tables_has_nobody_of_the_kind() -> None:
    """The negative control, and what a record of before there were any stands for."""
    plain = replace(NIGHT, population=replace(NIGHT.population, older=None, assisted=None, browsers=None))
    people = [person(plain, 1, number) for number in range(3000)]
    assert {(each.is_older, each.office, each.low_memory) for each in people} == {(False, -1, False)}
    assert wrong_digits(people) == near(NIGHT.population.wrong_digit_share, len(people))


def test_a_profile_bound_to_zones_is_found_nowhere_else() -> None:
    """poor_east is 3 % of the country, all of it in the centre and the east."""
    place = list(NIGHT.networks).index("poor_east")
    assert {BY_CODE[each.province].zone for each in PEOPLE if each.network == place} == {"WITA", "WIT"}
    shares = NIGHT.population.zone_shares
    by_zone = {zone: shares_in(zone, NIGHT.networks, shares) for zone in ZONES}
    for i, profile in enumerate(NIGHT.networks.values()):
        assert sum(shares[zone] * by_zone[zone][i] for zone in ZONES) == pytest.approx(profile.share)
    assert all(sum(each) == pytest.approx(1.0) for each in by_zone.values())


def test_identity_numbers_are_unique_and_well_formed() -> None:
    """Right form by the service's own rule, serial and birth date never shared by two people."""
    assert len({each.nik for each in PEOPLE}) == len(PEOPLE)
    assert len({each.nik[6:] for each in PEOPLE if not each.is_woman}) == sum(not each.is_woman for each in PEOPLE)
    for each in PEOPLE[:2000]:
        for number in (each.nik, each.typed_nik):
            assert identity.check_nik(number, synthetic_people=True) == number
        assert identity.check_family_card_number(each.family_card_number, synthetic_people=True)
        assert each.nik[4:6] == "99", "a district that does not exist"


def test_no_two_applicants_get_one_serial_and_day() -> None:
    """The map from applicants to (serial, day) is a bijection: its multiplier shares no divisor with the capacity."""
    assert np.gcd(identity_numbers._SCATTER, CAPACITY) == 1
    assert CAPACITY > 10_000_000
    numbers = [0, 1, 2, CAPACITY - 1, *range(5_000_000, 5_050_000)]
    assert len({serial_and_day(number) for number in numbers}) == len(numbers)
    with pytest.raises(ValueError, match="no identity number left"):
        serial_and_day(CAPACITY)


@given(st.integers(0, CAPACITY - 1), st.integers(-(2**31), 2**31))
def test_birth_dates_keep_the_day_that_makes_numbers_unique(number: int, seed: int) -> None:
    """Whatever the seed, the birth date is congruent to the applicant's own day, and ages fit the night."""
    each = person(NIGHT, seed, number)
    born = date.fromisoformat(each.birth_date)
    serial, day = serial_and_day(number)
    assert born.toordinal() % 1113 == day
    assert each.nik.endswith(f"{serial:04}")
    age = identity.age_years(born.year, born.month, born.day, 2020, 4, 11)
    assert (14 <= age < 18) if each.is_under_age else (18 <= age <= 68)


def test_doors_may_open_on_the_day_that_most_years_lack() -> None:
    """29 February: neither 18 nor 61 years before is there such a day. Nobody is a day too young or too old."""
    night = catalogue.load("prakerja-wave-1")
    assert night.population.older is not None
    older = replace(night.population.older, from_years=61)
    opens_at = night.opens_at.replace(year=2024, month=2, day=29)
    night = replace(night, opens_at=opens_at, population=replace(night.population, older=older, under_age_share=0.5))
    people = [person(night, 1, number) for number in range(2_000)]
    assert all((one.birth_date > "2006-02-28") == one.is_under_age for one in people)
    assert all((one.birth_date <= "1963-02-28") == one.is_older for one in people)
    assert any(one.is_older for one in people)


def test_a_year_of_the_century_stands_for_one_year() -> None:
    """Two digits tell the birth year apart only if all are born within 100 years."""
    years = {each.birth_date[:4] for each in PEOPLE}
    assert len({year[2:] for year in years}) == len(years)


def test_the_registry_confirms_right_data_and_refuses_wrong_digits() -> None:
    """Also every single other digit of the identity number."""
    for each in PEOPLE[:300]:
        assert is_match(each.nik, each.family_card_number, each.birth_date)
        assert is_match(each.typed_nik, each.family_card_number, each.birth_date) == (each.typed_nik == each.nik)
        assert not is_match(with_wrong_digit(each.nik), each.family_card_number, each.birth_date)
        assert not is_match(each.nik, each.family_card_number[:-1] + "x", each.birth_date)
    one = PEOPLE[7]
    for place in range(16):
        wrong = one.nik[:place] + str((int(one.nik[place]) + 1) % 10) + one.nik[place + 1 :]
        assert not is_match(wrong, one.family_card_number, one.birth_date)


def test_a_wrong_digit_is_nobodys_number() -> None:
    """Serials from 9000 are never given out."""
    assert max(int(each.nik[12:]) for each in PEOPLE) < 9000
    assert all(int(each.typed_nik[12:]) >= 9000 for each in PEOPLE if each.typed_nik != each.nik)


@pytest.mark.parametrize(
    "text",
    ["", "x", "3372991104900001x", "0072991104900001", "3399991104900001", "3372991113900001", "3372991104900000"],
)
def test_the_registry_refuses_text_that_is_no_number(text: str) -> None:
    """Wrong length, letters, unknown province or regency, month 13, serial 0000: no match, never an error."""
    assert not is_match(text, "3372991104900001", "1990-04-11")
    assert not is_match("3372991104900001", "3372991104900001", text)


def test_women_have_forty_added_to_their_day() -> None:
    """11 April 1990, a man and a woman in Solo."""
    born = date(1990, 4, 11)
    assert identity_numbers.nik(33, 72, born, False, 1) == "3372991104900001"
    assert identity_numbers.nik(33, 72, born, True, 1) == "3372995104900001"


def test_family_cards_need_no_seed() -> None:
    """The registry computes them from the number alone."""
    assert PEOPLE[3].family_card_number == family_card_of(PEOPLE[3].nik)
    assert PEOPLE[3].family_card_number[:6] == PEOPLE[3].nik[:6]


@given(st.integers(0, 999_999_999))
def test_addresses_tell_the_applicant(number: int) -> None:
    """Phone and e-mail lead back to the number."""
    assert number_of(phone_of(number)) == number_of(email_of(number)) == number


@pytest.mark.parametrize(
    "address", ["", "+62801", "+6281123456789", "p1@people.example", "p000000001@example.org", "+628012345678٣", "p"]
)
def test_other_addresses_are_nobodys(address: str) -> None:
    """Wrong prefix, domain, length or digits."""
    assert number_of(address) == -1


def test_the_same_seed_gives_the_same_people() -> None:
    """And another seed gives others at the same addresses."""
    assert person(NIGHT, 1, 42) == PEOPLE[42]
    other: Person = person(NIGHT, 2, 42)
    assert (other.phone, other.nik[12:]) == (PEOPLE[42].phone, PEOPLE[42].nik[12:])
    assert other != PEOPLE[42]


def test_photos_are_two_different_ones_of_the_corpus() -> None:
    """Each picture of the corpus is somebody's."""
    count = NIGHT.population.photos.count
    assert {each.identity_card_photo for each in PEOPLE} == {each.selfie_photo for each in PEOPLE} == set(range(count))
    assert all(each.identity_card_photo != each.selfie_photo for each in PEOPLE)
