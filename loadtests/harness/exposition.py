"""Reads Prometheus text exposition line by line.

Hand-written for speed: the series part of a line is parsed once and then found by its text.
"""

import re
from functools import lru_cache

_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?')
_ESCAPE = re.compile(r"\\(.)")


class ExpositionError(ValueError):
    """A line is not Prometheus text."""


def split(line: str) -> tuple[str, float]:
    """The series part of a sample line as it stands, and the value; a timestamp after the value is left out."""
    brace = line.rfind("}")
    series, rest = (line[: brace + 1], line[brace + 1 :]) if brace >= 0 else _split_plain(line)
    fields = rest.split()
    try:
        return series, float(fields[0])
    except (IndexError, ValueError):
        raise ExpositionError(f"no value in {line!r}") from None


def _split_plain(line: str) -> tuple[str, str]:
    series, _, rest = line.partition(" ")
    return series, rest


@lru_cache(maxsize=65536)
def series_of(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Name and labels of a series part such as `a_total{b="c"}`. Raises ExpositionError."""
    name, brace, rest = text.partition("{")
    if not brace:
        return name.strip(), ()
    inside = rest[:-1]
    labels: list[tuple[str, str]] = []
    position = 0
    while position < len(inside.rstrip()):
        match = _LABEL.match(inside, position)
        if match is None:
            raise ExpositionError(f"labels of {text!r} cannot be read")
        labels.append((match[1], _ESCAPE.sub(_unescape, match[2])))
        position = match.end()
    return name.strip(), tuple(labels)


def _unescape(match: "re.Match[str]") -> str:
    return "\n" if match[1] == "n" else match[1]
