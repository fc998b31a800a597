"""The 34 provinces of 2020 with their codes of the Ministry of Home Affairs, time zones and regency codes.

An identity number begins with province and regency code. Regencies have 01 to 69, cities 71 to 99: 514 together.
"""

from typing import NamedTuple

ZONES = ("WIB", "WITA", "WIT")
"""Western, central and eastern Indonesian time: UTC+7, +8, +9."""


class Province(NamedTuple):
    code: int
    name: str
    zone: str
    regencies: tuple[int, ...]


def _codes(text: str) -> tuple[int, ...]:
    """The codes of "1-3 71" = (1, 2, 3, 71)."""
    codes: list[int] = []
    for part in text.split():
        first, _, last = part.partition("-")
        codes += range(int(first), int(last or first) + 1)
    return tuple(codes)


PROVINCES: tuple[Province, ...] = tuple(
    Province(code, name, zone, _codes(regencies))
    for code, name, zone, regencies in (
        (11, "Aceh", "WIB", "1-18 71-75"),
        (12, "Sumatera Utara", "WIB", "1-25 71-78"),
        (13, "Sumatera Barat", "WIB", "1-12 71-77"),
        (14, "Riau", "WIB", "1-10 71-72"),
        (15, "Jambi", "WIB", "1-9 71-72"),
        (16, "Sumatera Selatan", "WIB", "1-13 71-74"),
        (17, "Bengkulu", "WIB", "1-9 71"),
        (18, "Lampung", "WIB", "1-13 71-72"),
        (19, "Bangka Belitung", "WIB", "1-6 71"),
        (21, "Kepulauan Riau", "WIB", "1-5 71-72"),
        (31, "DKI Jakarta", "WIB", "1 71-75"),
        (32, "Jawa Barat", "WIB", "1-18 71-79"),
        (33, "Jawa Tengah", "WIB", "1-29 71-76"),
        (34, "DI Yogyakarta", "WIB", "1-4 71"),
        (35, "Jawa Timur", "WIB", "1-29 71-79"),
        (36, "Banten", "WIB", "1-4 71-74"),
        (51, "Bali", "WITA", "1-8 71"),
        (52, "Nusa Tenggara Barat", "WITA", "1-8 71-72"),
        (53, "Nusa Tenggara Timur", "WITA", "1-21 71"),
        (61, "Kalimantan Barat", "WIB", "1-12 71-72"),
        (62, "Kalimantan Tengah", "WIB", "1-13 71"),
        (63, "Kalimantan Selatan", "WITA", "1-11 71-72"),
        (64, "Kalimantan Timur", "WITA", "1-3 7-9 11 71-72 74"),
        (65, "Kalimantan Utara", "WITA", "1-4 71"),
        (71, "Sulawesi Utara", "WITA", "1-11 71-74"),
        (72, "Sulawesi Tengah", "WITA", "1-12 71"),
        (73, "Sulawesi Selatan", "WITA", "1-18 22 24 26 71-73"),
        (74, "Sulawesi Tenggara", "WITA", "1-15 71-72"),
        (75, "Gorontalo", "WITA", "1-5 71"),
        (76, "Sulawesi Barat", "WITA", "1-6"),
        (81, "Maluku", "WIT", "1-9 71-72"),
        (82, "Maluku Utara", "WIT", "1-8 71-72"),
        (91, "Papua", "WIT", "1-28 71"),
        (92, "Papua Barat", "WIT", "1-12 71"),
    )
)

BY_CODE: dict[int, Province] = {province.code: province for province in PROVINCES}
