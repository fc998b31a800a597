"""Numbers that know how they come out of the record, and what is made of them by plain arithmetic.

The sources are written in the grammar of docs/report.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from reports import statistics
from reports.facts import Facts
from reports.wording import Told, count, number, percent, seconds


@dataclass(frozen=True)
class Term:
    """A number and its source."""

    value: float
    source: str

    def __add__(self, other: "Term") -> "Term":
        return Term(self.value + other.value, f"({self.source}) + ({other.source})")

    def __sub__(self, other: "Term") -> "Term":
        return Term(self.value - other.value, f"({self.source}) - ({other.source})")

    def __truediv__(self, other: "Term") -> "Term":
        """nan where there is nothing to divide by."""
        ratio = self.value / other.value if other.value else math.nan
        return Term(ratio, f"({self.source}) / ({other.source})")

    @property
    def count(self) -> Told:
        return count(self.value, source=self.source)

    @property
    def number(self) -> Told:
        return number(self.value, source=self.source)

    @property
    def percent(self) -> Told:
        return percent(self.value, source=self.source)

    @property
    def seconds(self) -> Told:
        return seconds(self.value, source=self.source)


def gained(facts: Facts, name: str, **labels: str) -> Term:
    """What the counters `name` with these labels gained together over the whole run."""
    among = ",".join(f"{label}={value}" for label, value in labels.items())
    source = f"samples:total {name}" + (f"{{{among}}}" if among else "")
    return Term(statistics.total(facts.run.samples, name, (), **labels), source)


def added(terms: Sequence[Term]) -> Term:
    """Their sum, its source made of those that are not 0; requires at least one."""
    counting = [one for one in terms if one.value] or terms[:1]
    source = " + ".join(f"({one.source})" for one in counting) if len(counting) > 1 else counting[0].source
    return Term(sum(one.value for one in counting), source)


def of_people(operation: str, value: float, column: str = "", /, **equal: int) -> Term:
    """`value` as what `operation` (count, sum, median, ...) gives of a column of the people whose others are equal."""
    among = "".join(f" {name}={int(each)}" for name, each in equal.items())
    return Term(float(value), f"people:{operation}{' ' if column else ''}{column}{among}")
