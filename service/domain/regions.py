"""Administrative codes of the Ministry of Home Affairs, as identity numbers bear them (34 provinces in 2020)."""

PROVINCES: dict[int, str] = {
    11: "Aceh", 12: "Sumatera Utara", 13: "Sumatera Barat", 14: "Riau", 15: "Jambi", 16: "Sumatera Selatan",
    17: "Bengkulu", 18: "Lampung", 19: "Bangka Belitung", 21: "Kepulauan Riau", 31: "DKI Jakarta", 32: "Jawa Barat",
    33: "Jawa Tengah", 34: "DI Yogyakarta", 35: "Jawa Timur", 36: "Banten", 51: "Bali", 52: "Nusa Tenggara Barat",
    53: "Nusa Tenggara Timur", 61: "Kalimantan Barat", 62: "Kalimantan Tengah", 63: "Kalimantan Selatan",
    64: "Kalimantan Timur", 65: "Kalimantan Utara", 71: "Sulawesi Utara", 72: "Sulawesi Tengah",
    73: "Sulawesi Selatan", 74: "Sulawesi Tenggara", 75: "Gorontalo", 76: "Sulawesi Barat", 81: "Maluku",
    82: "Maluku Utara", 91: "Papua", 92: "Papua Barat",
}  # fmt: skip

SYNTHETIC_DISTRICT = 99
"""No such district exists: people of a rehearsal live there, so that nobody real can be meant."""


def is_regency(code: int) -> bool:
    """01 to 69 are regencies (kabupaten), 71 to 99 cities (kota)."""
    return 1 <= code <= 69 or 71 <= code <= 99


def lies_in(regency: int, province: int) -> bool:
    """Whether a regency, written with two digits or with four, can lie in the province."""
    return regency < 100 or regency // 100 == province


def is_district(code: int, synthetic_people: bool) -> bool:
    return 1 <= code < SYNTHETIC_DISTRICT or (synthetic_people and code == SYNTHETIC_DISTRICT)
