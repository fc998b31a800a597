"""Rows of a benchmark: one JSON object a line, as DESIGN section 9 describes them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

LEAST_RUNS = 5


@dataclass(frozen=True)
class Row:
    name: str
    value: float
    """In `unit`: the median over the runs."""
    unit: str
    reference: float | None
    """The same of what it is compared with; None for a figure that stands alone."""
    ratio: float | None
    """Median of `runs`, when these are ratios."""
    runs: list[float]
    """The paired ratios, each from measurements next to each other; the values themselves without a reference."""

    def line(self) -> str:
        return json.dumps(asdict(self))


def paired(name: str, unit: str, values: Sequence[float], references: Sequence[float]) -> Row:
    """A figure measured `len(values)` times, each time beside its reference. Raises ValueError with too few runs."""
    if len(values) != len(references) or len(values) < LEAST_RUNS:
        raise ValueError(f"{name}: needs {LEAST_RUNS} pairs or more, not {len(values)} and {len(references)}")
    ratios = [value / reference for value, reference in zip(values, references, strict=True)]
    return Row(
        name=name,
        value=_rounded(median(values)),
        unit=unit,
        reference=_rounded(median(references)),
        ratio=_rounded(median(ratios)),
        runs=[_rounded(ratio) for ratio in ratios],
    )


def alone(name: str, unit: str, values: Sequence[float]) -> Row:
    """A figure without a reference. Raises ValueError without a run."""
    if not values:
        raise ValueError(f"{name}: no run")
    return Row(name, _rounded(median(values)), unit, None, None, [_rounded(value) for value in values])


def _rounded(value: float) -> float:
    """Four digits that count: no measurement here has more."""
    return float(f"{value:.4g}")
