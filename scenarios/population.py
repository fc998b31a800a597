"""Who applies: synthetic people, each a pure function of (night, seed, number).

Nobody here exists: phones begin with +6280, a prefix no operator has, e-mail ends in a reserved domain, identity
numbers name a district that does not exist (scenarios.identity_numbers).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from scenarios import identity_numbers, networks
from scenarios.circumstances import Assisted, Browsers, Older
from scenarios.fates import Manners
from scenarios.figures import Bytes, Count, CountOrEndless, Ratio, Seconds, Share, Sigma, Weight, Years, YearSpan
from scenarios.identity_numbers import family_card_of
from scenarios.provinces import BY_CODE, ZONES, Province
from scenarios.streams import Purpose, exponential, uniform

if TYPE_CHECKING:
    from scenarios.catalogue import Night

__all__ = [
    "Onlookers",
    "Patience",
    "Person",
    "Photos",
    "Population",
    "Retries",
    "ThinkTimes",
    "email_of",
    "family_card_of",
]
__all__ += ["number_of", "person", "phone_of"]

_PHONE = "+6280"
_EMAIL_DOMAIN = "@people.example"
_DAYS_A_YEAR = 365.2425


@dataclass(frozen=True)
class Patience:
    """One class of people: how often they try within a session, and how often they come back (-1 = until the close)."""

    share: Share
    tries: Count
    sessions: CountOrEndless


@dataclass(frozen=True)
class ThinkTimes:
    """Medians, in seconds, of what people do by themselves when all is well; `sigma` spreads them log-normally."""

    sigma: Sigma
    account_s: Seconds
    code_s: Seconds
    session_s: Seconds
    identity_s: Seconds
    profile_s: Seconds
    photos_s: Seconds
    phone_s: Seconds
    assessment_s: Seconds
    join_s: Seconds


@dataclass(frozen=True)
class Retries:
    """What people do when something fails or stays silent."""

    short_median_s: Seconds
    short_sigma: Sigma
    refresh_after_s: Seconds
    """No answer for so long: `refresh_share` refresh, and the old request still costs the server."""
    long_median_s: Seconds
    long_sigma: Sigma
    resend_after_s: Seconds
    resend_share: Share
    resend_limit: Count
    silence_limit: Count
    """So many times `resend_after_s` without the message end a visit."""
    busy_limit: Count
    """So many answers "come back later" in a row end a visit."""
    new_photo_share: Share
    hourly_weights: tuple[Weight, ...]
    """24 weights of the hours 00 to 23, in the zone of opens_at, to which long returns are cut."""
    refresh_share: Share = 0.0
    rush_share: Share = 0.0
    """Of those who gave up for good: the share who come once more before the close."""
    rush_s: Seconds = 10_800.0
    """How long before the close that begins."""
    late_typing_share: Share = 0.0
    """Share of codes that are typed only when they have expired."""


@dataclass(frozen=True)
class Leaving:
    """When people leave by themselves although everything works."""

    line_median_s: Seconds
    """How long they stand in the waiting room's line, log-normally around this median."""
    line_sigma: Sigma
    after_stage_share: Share
    """Share that stops after each completed stage of the journey."""


@dataclass(frozen=True)
class Photos:
    """The corpus that a swarm generates: `count` pictures, `raw_share` of them as the camera wrote them."""

    count: Count
    median_bytes: Bytes
    sigma: Sigma
    raw_share: Share
    raw_median_bytes: Bytes
    raw_sigma: Sigma


@dataclass(frozen=True)
class Onlookers:
    """People who read a page or a few and leave; they are planned and counted beside the applicants."""

    per_applicant: Ratio
    second_page_share: Share
    """Share that follows a link of the first page."""
    third_page_share: Share
    """Of those, share that follows one more."""
    reading_median_s: Seconds
    """How long a page is read, log-normally around this median."""
    reading_sigma: Sigma
    opens: str = "/daftar/"
    """The path of the first page. A page without links is looked at again instead."""


@dataclass(frozen=True)
class Population:
    provinces: dict[str, Weight]
    """Weight by province code; only proportions count."""
    share_women: Share
    youngest_years: Years
    mean_years_above: YearSpan
    """Ages of adults are `youngest_years` plus an exponential of this mean, at most `oldest_years`."""
    oldest_years: Years
    under_age_share: Share
    share_with_email: Share
    email_channel_share: Share
    """Of those with e-mail, how many have the first code sent there; all others by SMS."""
    wrong_digit_share: Share
    devices: dict[str, Share]
    patience: dict[str, Patience]
    think: ThinkTimes
    retries: Retries
    leaving: Leaving
    photos: Photos
    without_javascript: Share = 0.0
    """Share whose browser runs no script: they go through the pages, not the API."""
    onlookers: Onlookers | None = None
    browsers: Browsers | None = None
    older: Older | None = None
    assisted: Assisted | None = None

    @cached_property
    def zone_shares(self) -> dict[str, float]:
        """Share of the people by time zone, sum 1."""
        total = sum(self.provinces.values())
        return {
            zone: sum(weight for code, weight in self.provinces.items() if BY_CODE[int(code)].zone == zone) / total
            for zone in ZONES
        }

    @cached_property
    def _province_steps(self) -> tuple[list[Province], list[float]]:
        return [BY_CODE[int(code)] for code in self.provinces], steps(self.provinces.values())

    @cached_property
    def _patience_steps(self) -> list[float]:
        return steps(each.share for each in self.patience.values())

    @cached_property
    def _low_memory(self) -> list[float]:
        """By device, the share of phones that are short of memory."""
        shares = self.browsers.low_memory if self.browsers is not None else {}
        return [shares.get(device, 0.0) for device in self.devices]

    @cached_property
    def _device_steps(self) -> list[float]:
        return steps(self.devices.values())


@dataclass(frozen=True, slots=True)
class Person:
    """One applicant. `network`, `patience` and `device` are positions in the night's tables, in file order."""

    number: int
    name: str
    phone: str
    email: str | None
    nik: str
    typed_nik: str
    """What she types first: for some people with one wrong digit."""
    family_card_number: str
    birth_date: str
    is_woman: bool
    is_under_age: bool
    province: int
    regency: int
    network: int
    patience: int
    device: int
    channel: str
    """Where the first code goes: "email" or "sms"."""
    identity_card_photo: int
    selfie_photo: int
    """Positions in the photo corpus; never the same picture for both unless the corpus has only one."""
    manners: Manners
    without_javascript: bool = False
    is_older: bool = False
    low_memory: bool = False
    """The phone may lose the page as soon as another app is opened."""
    office: int = -1
    """Number of the labor office where somebody types for her; -1: she types herself."""


def phone_of(number: int) -> str:
    return f"{_PHONE}{number:09}"


def email_of(number: int) -> str:
    return f"p{number:09}{_EMAIL_DOMAIN}"


def number_of(address: str) -> int:
    """The applicant to whom a phone number or e-mail address belongs, -1 if it is not one of ours."""
    if address.startswith(_PHONE):
        digits = address.removeprefix(_PHONE)
    elif address.startswith("p") and address.endswith(_EMAIL_DOMAIN):
        digits = address[1 : -len(_EMAIL_DOMAIN)]
    else:
        return -1
    return int(digits) if len(digits) == 9 and digits.isascii() and digits.isdecimal() else -1


def person(night: Night, seed: int, number: int) -> Person:
    """Applicant `number` (0 <= number < identity_numbers.CAPACITY) of a night under a seed."""
    people = night.population

    def draw(purpose: Purpose) -> float:
        return uniform(seed, number, purpose, 0)

    province, regency = _home(people, seed, number)
    is_woman = draw(Purpose.SEX) < people.share_women
    is_under_age = draw(Purpose.UNDER_AGE) < people.under_age_share
    serial, day = identity_numbers.serial_and_day(number)
    opens_on = night.opens_at.date()
    born = _birth_date(people, opens_on, day, is_under_age, draw(Purpose.AGE))
    nik = identity_numbers.nik(province.code, regency, born, is_woman, serial)
    is_older = people.older is not None and born <= _years_before(opens_on, people.older.from_years)
    # Called for every applicant: no draw where the answer is known.
    is_assisted = people.assisted is not None and draw(Purpose.ASSISTED) < people.assisted.share
    with_email, wrong_digit = _shares(people, is_older, is_assisted)
    device = bisect_right(people._device_steps, draw(Purpose.DEVICE))
    low_memory = people._low_memory[device]
    has_email = draw(Purpose.HAS_EMAIL) < with_email
    by_email = has_email and draw(Purpose.CHANNEL) < people.email_channel_share
    pictures = people.photos.count
    card = int(draw(Purpose.IDENTITY_CARD_PHOTO) * pictures)
    return Person(
        number=number,
        name=_name(draw(Purpose.NAME), is_woman),
        phone=phone_of(number),
        email=email_of(number) if has_email else None,
        nik=nik,
        typed_nik=identity_numbers.with_wrong_digit(nik) if draw(Purpose.WRONG_DIGIT) < wrong_digit else nik,
        family_card_number=family_card_of(nik),
        birth_date=born.isoformat(),
        is_woman=is_woman,
        is_under_age=is_under_age,
        province=province.code,
        regency=regency,
        network=bisect_right(night.network_steps[province.zone], draw(Purpose.NETWORK)),
        patience=bisect_right(people._patience_steps, draw(Purpose.PATIENCE)),
        device=device,
        channel="email" if by_email else "sms",
        identity_card_photo=card,
        selfie_photo=(card + 1 + int(draw(Purpose.SELFIE_PHOTO) * (pictures - 1))) % pictures,
        manners=night.all_manners[bisect_right(night.manners_steps, draw(Purpose.MANNERS))],
        without_javascript=draw(Purpose.WITHOUT_JAVASCRIPT) < people.without_javascript,
        is_older=is_older,
        low_memory=not is_assisted and low_memory > 0.0 and draw(Purpose.LOW_MEMORY) < low_memory,
        office=province.code * 100 + regency if is_assisted else -1,
    )


def office_of(night: Night, seed: int, number: int) -> int:
    """The number of the labor office to which applicant `number` would go, helped there or not."""
    province, regency = _home(night.population, seed, number)
    return province.code * 100 + regency


def _home(people: Population, seed: int, number: int) -> tuple[Province, int]:
    """Province, and regency within it."""
    provinces, province_steps = people._province_steps
    province = provinces[bisect_right(province_steps, uniform(seed, number, Purpose.PROVINCE, 0))]
    return province, province.regencies[int(uniform(seed, number, Purpose.REGENCY, 0) * len(province.regencies))]


def _shares(people: Population, is_older: bool, is_assisted: bool) -> tuple[float, float]:
    """Of people like this: how many have e-mail, and how many mistype a digit."""
    if is_assisted and people.assisted is not None:
        return people.assisted.share_with_email, people.assisted.wrong_digit_share
    if is_older and people.older is not None:
        return people.share_with_email, people.older.wrong_digit_share
    return people.share_with_email, people.wrong_digit_share


def network_steps(population: Population, profiles: dict[str, networks.Network]) -> dict[str, list[float]]:
    """By time zone, the upper edges in [0, 1) between neighbouring network profiles."""
    shares = population.zone_shares
    return {zone: steps(networks.shares_in(zone, profiles, shares)) for zone in ZONES}


def steps(weights: Iterable[float]) -> list[float]:
    """Upper edges of all classes but the last, so that a draw in [0, 1) always falls into one."""
    sums = list(accumulate(weights))
    return [each / sums[-1] for each in sums[:-1]]


def _years_before(on: date, years: int) -> date:
    """The last day of birth of those who are `years` old on the day `on`."""
    try:
        return on.replace(year=on.year - years)
    except ValueError:  # 29 February of a year without it; who was born a day later is not yet as old
        return date(on.year - years, 2, 28)


def _birth_date(people: Population, on: date, day: int, is_under_age: bool, u: float) -> date:
    """A birth date that is `day` modulo 1113 (uniqueness) and on the right side of the age of majority at date `on`."""
    eighteenth = _years_before(on, people.youngest_years).toordinal()
    if is_under_age:
        return date.fromordinal(identity_numbers.born_from(eighteenth + 1, day))
    above = min(exponential(u, people.mean_years_above), people.oldest_years - people.youngest_years)
    return date.fromordinal(identity_numbers.born_by(eighteenth - int(above * _DAYS_A_YEAR), day))


_WOMEN = ("Siti", "Dewi", "Rina", "Wati", "Ayu", "Fitri", "Lestari", "Ratna", "Yuni", "Indah", "Putri", "Nur", "Eka")
_MEN = ("Budi", "Agus", "Joko", "Andi", "Rizki", "Hendra", "Dedi", "Eko", "Fajar", "Bayu", "Made", "Yusuf", "Arif")
_FAMILY = ("Santoso", "Wijaya", "Hidayat", "Saputra", "Nugroho", "Rahman", "Siregar", "Setiawan", "Kurniawan", "Utami")


def _name(u: float, is_woman: bool) -> str:
    """A common given name and a common second name."""
    given = _WOMEN if is_woman else _MEN
    first, second = divmod(int(u * len(given) * len(_FAMILY)), len(_FAMILY))
    return f"{given[first]} {_FAMILY[second]}"
