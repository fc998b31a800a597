"""The two languages of the pages: where their addresses lie, their texts, and how they write numbers and times.

Indonesian is the source: a text without a translation stays as it is written in templates and modules. The catalogue
is read once at start; nothing is compiled beforehand.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

from babel.dates import format_date
from babel.messages.pofile import read_po

from service.web.pages.texts import N_

WIB = timezone(timedelta(hours=7), "WIB")
ROOT = "/daftar/"

_TRANSLATIONS = Path(__file__).parent / "translations"


class Language:
    """One language. `code`: as in `lang` and `hreflang`."""

    def __init__(self, code: str, name: str, prefix: str, texts: Mapping[str, str]) -> None:
        self.code = code
        self.name = name
        self.prefix = prefix
        self._texts = texts

    def url(self, slug: str) -> str:
        """The address of a page; slug: "" for the start page, "akun", "tes/3"."""
        return self.prefix + slug

    def text(self, source: str, **facts: object) -> str:
        """`source` in this language, with `%(name)s` filled in when facts are given."""
        found = self._texts.get(source, source)
        return found % facts if facts else found

    def number(self, value: int) -> str:
        """12.345 in Indonesian, 12,345 in English."""
        grouped = f"{value:,}"
        return grouped.replace(",", ".") if self.code == "id" else grouped

    def clock(self, moment: datetime) -> str:
        """19.05 WIB; in English 19:05 WIB."""
        return moment.astimezone(WIB).strftime("%H.%M WIB" if self.code == "id" else "%H:%M WIB")

    def moment(self, moment: datetime) -> str:
        """11 April 2020, 19.05 WIB."""
        return f"{format_date(moment.astimezone(WIB), 'd MMMM y', locale=self.code)}, {self.clock(moment)}"

    def duration(self, seconds: float) -> str:
        """1 jam 40 menit, 3 menit, 45 detik; never shorter than it is, to the whole unit."""
        if seconds < 60:
            return self.text(N_("%(count)s detik"), count=max(math.ceil(seconds), 1))
        hours, minutes = divmod(math.ceil(seconds / 60), 60)
        if not hours:
            return self.text(N_("%(count)s menit"), count=minutes)
        if not minutes:
            return self.text(N_("%(count)s jam"), count=self.number(hours))
        return self.text(N_("%(hours)s jam %(minutes)s menit"), hours=self.number(hours), minutes=minutes)


def _catalogue(code: str) -> dict[str, str]:
    with (_TRANSLATIONS / f"{code}.po").open("rb") as file:
        return {str(each.id): str(each.string) for each in read_po(file, locale=code) if each.id and each.string}


def languages() -> tuple[Language, Language]:
    """Indonesian, then English."""
    return (
        Language("id", "Bahasa Indonesia", ROOT, {}),
        Language("en", "English", ROOT + "en/", _catalogue("en")),
    )
