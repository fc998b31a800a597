"""The locator finds the line of every key that tomllib reads."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scenarios import catalogue, locate

SAMPLE = '''\
# a comment with [brackets] and = signs
title = "a \\" quote and a # that is no comment"
'quoted key' = 1

[first]
value = 2 # comment
dotted.key = { inner = 3, "odd" = [4, 5] }
text = """
[not.a.table]
key = "not a key"
"""
literal = \'\'\'
x = 1\'\'\'\'

[[list]]
name = "one"

[[list]]
name = "two"
[list.below]
deep = true
times = [
  2020-04-11T19:00:00+07:00, # first
  { at = 1, on = 2020-04-11 },
]

[first.sub]
last = -1e3
'''


def leaves(value: Any, key: str = "") -> Iterator[str]:
    """The path of each value in a document."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        for i, each in enumerate(value):
            yield from leaves(each, f"{key}[{i}]")
    else:
        yield key


def test_lines_of_a_sample() -> None:
    """Tables, arrays of tables, inline tables, dotted and quoted keys, strings that look like TOML."""
    found = locate.lines(SAMPLE)
    expected = {
        "title": 2, "quoted key": 3, "first": 5, "first.value": 6, "first.dotted.key.inner": 7,
        "first.dotted.key.odd[1]": 7, "first.text": 8, "first.literal": 12, "list[0]": 15, "list[0].name": 16,
        "list[1]": 18, "list[1].name": 19, "list[1].below": 20, "list[1].below.deep": 21, "list[1].below.times[0]": 23,
        "list[1].below.times[1].on": 24, "first.sub.last": 28,
    }  # fmt: skip
    assert {key: found.get(key) for key in expected} == expected


def test_every_value_is_found() -> None:
    """Nothing that tomllib reads is without a line, and no line is invented: sample and the real night."""
    real = (Path(catalogue.__file__).parent / "nights" / "prakerja-wave-1.toml").read_text()
    for text in (SAMPLE, real):
        found = locate.lines(text)
        assert set(leaves(tomllib.loads(text))) <= set(found)
        for key, line in found.items():
            # Each line holds the last word of its key, unless it is a position in an array.
            last = key.rpartition(".")[2]
            assert "[" in last or last in text.splitlines()[line - 1]


def test_a_key_that_is_not_there_has_the_line_around_it() -> None:
    """What is missing is reported at the table that lacks it; outside any table at line 1."""
    found = locate.lines(SAMPLE)
    assert locate.line_of("list[1].below.missing", found) == 20
    assert locate.line_of("list[1].below.times[1].missing", found) == 24
    assert locate.line_of("nowhere.at.all", found) == 1
