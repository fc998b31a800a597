"""The numbers of tables and sentences of a report, held against what they say of themselves."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reports.drawing import Table
from reports.wording import Said, Told
from tests.report_sources import Sources


def numbers(shown: Any) -> Iterator[Told]:
    """Every number in a table, a sentence, or a list of such."""
    if isinstance(shown, Told):
        yield shown
    elif isinstance(shown, Said):
        yield from numbers(shown.parts)
    elif isinstance(shown, Table):
        yield from numbers(shown.rows)
    elif isinstance(shown, Iterable) and not isinstance(shown, str):
        for each in shown:
            yield from numbers(each)


def assert_true(folder: Path, *shown: Any) -> int:
    """Compute every number anew that names a source in the record; how many these are."""
    sources = Sources(folder)
    told = [one for one in numbers(shown) if one.source and not one.source.startswith("#")]
    for one in told:
        if not math.isnan(one.value):
            assert sources.value(one.source) == pytest.approx(one.value, rel=1e-9), one.source
    return len(told)


def column(table: Table, head: str) -> dict[str, float]:
    """The numbers of a column by the first cell of their row."""
    place = list(table.head).index(head)
    return {str(row[0]): one.value for row in table.rows for one in numbers(row[place])}
