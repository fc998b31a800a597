"""Numbers and sentences as people read them: one way for screen, summary and report, in English or Indonesian.

A number is a Told: text that knows its value and where in the record it comes from (docs/report.md has the grammar of
sources). A sentence is said in English; the catalogue `texts/id.toml` holds the other language under the same words,
and `texts/recorded.id.toml` what the harness, the swarm and the night's own enums say in a record.
"""

import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Self

from reports import LANGUAGES

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


class Quoted(str):
    """Words of the record that are in English, whatever language the report is in."""


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
    return _filled(english if spoken == "en" else catalogue(spoken)[english], values)


def N_(english: str) -> str:
    """Marks a sentence for the catalogue; it is said later, by `say(variable)`."""
    return english


def listed(pieces: Iterable[Any], between: str = ", ") -> Said:
    """Sentences, numbers and words one after the other; the numbers among them keep their sources."""
    parts: list[Any] = []
    for piece in pieces:
        parts += [between] * bool(parts)
        parts += piece.parts if isinstance(piece, Said) else [piece]
    return Said(tuple(parts))


def recorded(text: str) -> Said | Quoted:
    """Words out of a record, in the language that is spoken where they are known in it, else quoted."""
    spoken = _language.get()
    if spoken == "en":
        return Said((text,))
    if text in (known := catalogue(f"recorded.{spoken}")):
        return Said((known[text],))
    for pattern, translated in _patterns(spoken):
        if found := pattern.fullmatch(text):
            return _filled(translated, {name: _of_record(value) for name, value in found.groupdict().items()})
    return listed(map(recorded, text.split("; ")), "; ") if "; " in text else Quoted(text)


def _of_record(value: str) -> str:
    """What was filled in: a number, a sentence again, or a name, which is of no language."""
    if value[:1].isdigit():
        return separated(value)
    found = recorded(value)
    return found if isinstance(found, Said) else value


def _filled(template: str, values: Mapping[str, Any]) -> Said:
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


@cache
def _patterns(spoken: str) -> list[tuple[re.Pattern[str], str]]:
    """What sentences of a record with something filled in look like, and the same in another language."""
    found = []
    for english, translated in catalogue(f"recorded.{spoken}").items():
        names = [name for _, name, _, _ in Formatter().parse(english) if name]
        pattern = re.escape(english)
        for name in names:
            pattern = pattern.replace(re.escape(f"{{{name}}}"), f"(?P<{name}>{'.+' if name == 'why' else '[^;]+'})")
        found += [(re.compile(pattern), translated)] * bool(names)
    return found


def percent(share: float | None, digits: int = 1, *, source: str = "") -> Told:
    """0.954 -> "95.4 %", 0.95 -> "95 %"; an en dash for what is not known."""
    if share is None or math.isnan(share):
        return Told(UNKNOWN)
    text = f"{100 * share:.{digits}f}"
    return Told(separated((text.rstrip("0").rstrip(".") if digits else text) + " %"), share, source)


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
    return Told(separated(f"{value:,.0f}"), value, source)


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
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(digits, 4)}f}"
    return separated(text.rstrip("0").rstrip(".") if "." in text else text)


def separated(text: str) -> str:
    """Digits with the separators of the language that is spoken: Indonesians write 1.234,5."""
    return text.translate(str.maketrans(",.", ".,")) if _language.get() == "id" else text
