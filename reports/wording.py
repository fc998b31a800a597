"""Numbers and sentences as people read them: one way for screen, summary and report, in English or Indonesian.

A number is a Told: text that knows its value and where in the record it comes from (docs/report.md has the grammar of
sources). A sentence is said in English; the catalogue `texts/id.toml` holds the other language under the same words.
"""

import math
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Self

LANGUAGES = ("en", "id")
UNKNOWN = "–"

_language = ContextVar("language", default="en")


class Told(str):
    """A number as text. `value` is nan where the text is more than one number; `source` is "" where it has none."""

    value: float
    source: str

    def __new__(cls, text: str, value: float = math.nan, source: str = "") -> Self:
        told = super().__new__(cls, text)
        told.value, told.source = value, source
        return told

    def __reduce__(self) -> Any:
        return Told, (str(self), self.value, self.source)


class Said(str):
    """A sentence. `parts` are its pieces of plain text and its values in order, so that a page can mark the numbers."""

    parts: tuple[Any, ...]

    def __new__(cls, parts: tuple[Any, ...]) -> Self:
        said = super().__new__(cls, "".join(map(str, parts)))
        said.parts = parts
        return said

    def __reduce__(self) -> Any:
        return Said, (self.parts,)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Numbers and sentences made inside are of this language (one of LANGUAGES)."""
    if language not in LANGUAGES:
        raise ValueError(f"no such language: {language}; there are {', '.join(LANGUAGES)}")
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def language() -> str:
    """The one that is spoken."""
    return _language.get()


def say(english: str, /, **values: Any) -> Said:
    """The sentence in the language that is spoken, its `{names}` filled in.

    Raises KeyError for a name without a value, and for a sentence that the catalogue lacks.
    """
    spoken = _language.get()
    template = english if spoken == "en" else catalogue(spoken)[english]
    parts: list[Any] = []
    for literal, name, _, _ in Formatter().parse(template):
        parts += [literal] * bool(literal)
        if name is not None:
            value = values[name]
            parts += value.parts if isinstance(value, Said) else [value]
    return Said(tuple(parts))


@cache
def catalogue(spoken: str) -> dict[str, str]:
    """English sentence -> the same in another language."""
    path = Path(__file__).parent / "texts" / f"{spoken}.toml"
    return dict(tomllib.loads(path.read_text(encoding="utf-8")))


def percent(share: float | None, digits: int = 1, *, source: str = "") -> Told:
    """0.954 -> "95.4 %", 0.95 -> "95 %"; an en dash for what is not known."""
    if share is None or math.isnan(share):
        return Told(UNKNOWN)
    text = f"{100 * share:.{digits}f}"
    return Told(_separated((text.rstrip("0").rstrip(".") if digits else text) + " %"), share, source)


def seconds(value: float | None, *, source: str = "") -> Told:
    """Three significant digits, in milliseconds below one second: "4.2 ms", "1.35 s"; "> ..." for infinity."""
    if value is None or math.isnan(value):
        return Told(UNKNOWN)
    if math.isinf(value):
        return Told(say("beyond the last edge"), value, source)
    if value and abs(value) < 0.9995:
        return Told(f"{_three(1000 * value)} {say('ms')}", value, source)
    return Told(f"{_three(value)} {say('s')}", value, source)


def count(value: float | None, *, source: str = "") -> Told:
    """1234.6 -> "1,235"."""
    if value is None or math.isnan(value):
        return Told(UNKNOWN)
    return Told(_separated(f"{value:,.0f}"), value, source)


def number(value: float | None, *, source: str = "") -> Told:
    """Three significant digits, thousands separated."""
    return Told(UNKNOWN) if value is None or math.isnan(value) else Told(_three(value), value, source)


def clock(value: float) -> str:
    """Seconds since the opening as hours, minutes and seconds: 754 -> "0:12:34"."""
    minutes, rest = divmod(round(value), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _three(value: float) -> str:
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(digits, 4)}f}"
    return _separated(text.rstrip("0").rstrip(".") if "." in text else text)


def _separated(text: str) -> str:
    """With the separators of the language that is spoken: Indonesians write 1.234,5."""
    return text.translate(str.maketrans(",.", ".,")) if _language.get() == "id" else text
