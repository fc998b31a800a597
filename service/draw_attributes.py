"""What is known of the holders of tickets beside the list: groups of people, for the tests of a draw."""

import csv
from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path
from statistics import quantiles

from service.domain.grants import DrawRefused

MANY = 20
"""Different values of a column; more of them, all numbers, are tested as tenths."""
TENTHS = 10


def read(path: Path, tickets: Mapping[str, object]) -> dict[str, list[str]]:
    """Column -> group of each ticket, in the order of `tickets`.

    The file has a header `ticket,NAME,...` and a row for every ticket. Raises DrawRefused, OSError.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        if header[:1] != ["ticket"] or len(header) < 2:
            raise DrawRefused(f"{path}: the first line is ticket,NAME,... with at least one name")
        values: dict[str, list[str]] = {}
        for row in rows:
            if len(row) != len(header):
                raise DrawRefused(f"{path}, line {rows.line_num}: {len(row)} fields instead of {len(header)}")
            if row[0] not in tickets or row[0] in values:
                fault = "stands twice" if row[0] in values else "is not in the list"
                raise DrawRefused(f"{path}, line {rows.line_num}: ticket {row[0]} {fault}")
            values[row[0]] = row[1:]
    if missing := next((ticket for ticket in tickets if ticket not in values), None):
        raise DrawRefused(f"{path}: ticket {missing} of the list has no row")
    return {name: _groups([values[ticket][i] for ticket in tickets]) for i, name in enumerate(header[1:])}


def _groups(column: list[str]) -> list[str]:
    """The values themselves, or tenths of them by size."""
    if len(set(column)) <= MANY:
        return column
    try:
        numbers = [float(value) for value in column]
    except ValueError:
        return column
    edges = quantiles(numbers, n=TENTHS)
    return [f"tenth {bisect_right(edges, value) + 1}" for value in numbers]
