"""What is known of the holders of tickets beside the list: groups of people, for the tests of a draw."""

import csv
from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from pathlib import Path
from statistics import quantiles

from service.domain.grants import PRIORITY, PROVINCE, TICKET, DrawRefused
from service.domain.independence import Found, independence
from service.draw_folder import DrawFolder

MANY = 20
"""Different values of a column; of more of them those that are numbers or instants are tested as tenths."""
TENTHS = 10


def tested(folder: DrawFolder, about: Path) -> list[Found]:
    """One test a column of the file, and one for the provinces without a quota. Raises DrawRefused, OSError.

    Of the draw as it fell: who withdraws afterwards does so for reasons of their own, that may depend on anything.
    """
    chosen = set(folder.winners_before_strikes)
    standing = {line[TICKET].decode(): (line[PRIORITY], line[PROVINCE], line in chosen) for line in folder.tickets}
    columns = read(about, standing)
    limited = folder.limited_provinces
    free = [one for one in standing.values() if int(one[1]) not in limited]
    found = [independence("province", [(priority, province.decode(), won) for priority, province, won in free])]
    for name, groups in columns.items():
        people = zip(standing.values(), groups, strict=True)
        found.append(independence(name, [((one[0], one[1]), group, one[2]) for one, group in people]))
    return found


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
    """The values themselves, or tenths of them by size; what has no size, an empty field perhaps, is its own group."""
    if len(set(column)) <= MANY:
        return column
    sizes = [_size(value) for value in column]
    known = [size for size in sizes if size is not None]
    if len(known) <= MANY:
        return column
    edges = quantiles(known, n=TENTHS)
    return [
        value if size is None else f"tenth {bisect_right(edges, size) + 1}"
        for value, size in zip(column, sizes, strict=True)
    ]


def _size(value: str) -> float | None:
    """Of a number or an instant (ISO 8601); None: it is neither."""
    try:
        size = float(value)
    except ValueError:
        try:
            size = datetime.fromisoformat(value).timestamp()
        except (ValueError, OverflowError):
            return None
    return size if isfinite(size) else None
