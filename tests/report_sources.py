"""What a number of a report says of itself, computed again from the run folder with nothing of `reports`.

The grammar of sources stands in docs/report.md.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.record import Run

Floats = NDArray[np.float64]
Labels = list[Callable[[dict[str, str]], bool]]
OPERATIONS: dict[str, Callable[[Floats], Any]] = {"sum": np.sum, "mean": np.mean, "median": np.median, "max": np.max}


class NoSuchSource(ValueError):
    """A source that says nothing this grammar knows, or names what the record lacks."""


@dataclass(frozen=True)
class Sources:
    """A run folder (or that of a capacity search) to ask."""

    folder: Path

    @cached_property
    def run(self) -> Run:
        return Run.load(self.folder)

    def value(self, source: str) -> float:
        """What the source stands for. Raises NoSuchSource."""
        source = source.strip()
        if not source.startswith("("):
            return self._term(source)
        end = _closing(source)
        value, rest = self.value(source[1:end]), source[end + 1 :].strip()
        while rest:
            sign, rest = rest[0], rest[1:].strip()
            if rest.startswith("("):
                end = _closing(rest)
                other, rest = self.value(rest[1:end]), rest[end + 1 :].strip()
            else:
                word, _, rest = rest.partition(" ")
                other, rest = self._term(word), rest.strip()
            value = _combined(value, sign, other)
        return value

    def _term(self, term: str) -> float:
        if re.fullmatch(r"-?[\d.]+(e[-+]?\d+)?", term):
            return float(term)
        kind, _, rest = term.partition(":")
        asked = {
            "config": lambda: _path(self.run.config, rest),
            "capacity": lambda: _path(json.loads((self.folder / "capacity.json").read_text()), rest),
            "plan": lambda: _path(json.loads((self.folder / "plan.json").read_text()), rest),
            "latency": lambda: _path(json.loads((self.folder / "latency.json").read_text()), rest),
            "people": lambda: self._people(rest.split(" ")),
            "samples": lambda: self._samples(rest),
        }.get(kind)
        if asked is None:
            raise NoSuchSource(term)
        return float(asked())

    def _people(self, words: list[str]) -> float:
        operation, *words = words
        column = words.pop(0) if operation != "count" else ""
        chosen = np.ones(len(self.run.people["number"]), dtype=bool)
        for word in words:
            name, _, value = word.partition("=")
            chosen &= self.run.people[name] == float(value)
        if operation == "count":
            return float(chosen.sum())
        values = self.run.people[column][chosen].astype(float)
        values = values[np.isfinite(values)]
        if operation.startswith("q"):
            return float(np.quantile(values, float(operation[1:])))
        if operation not in OPERATIONS:
            raise NoSuchSource(operation)
        return float(OPERATIONS[operation](values))

    # ------------------------------------------------------------ samples

    def _samples(self, rest: str) -> float:
        rest, faults = rest.removesuffix(" outside faults"), rest.endswith(" outside faults")
        windows = self._faults() if faults else []
        if span := re.search(r" from ([\d.e+]+) to ([\d.e+]+)$", rest):
            rest, start, end = rest[: span.start()], float(span[1]), float(span[2])
            windows = [*windows, *([(-math.inf, start)] if start else []), (end, math.inf)]
        operation, _, rest = rest.partition(" ")
        argument = ""
        if operation in ("within", "busiest"):
            argument, _, rest = rest.partition(" ")
        name, labels = _selector(rest)
        if operation == "total":
            return sum(_gained(times, values, windows) for times, values in self._series(name, labels))
        if operation == "max":
            return max(float(values.max()) for _, values in self._series(name, labels))
        if operation == "busiest":
            return self._busiest(name, labels, int(argument))
        edges, counts = self._buckets(name, labels, windows)
        if operation == "within":
            below = np.interp(float(argument), [0.0, *edges[:-1]], [0.0, *np.cumsum(counts)[:-1]])
            return float(below / counts.sum())
        if not operation.startswith("q"):
            raise NoSuchSource(rest)
        return _quantile(edges, counts, float(operation[1:]))

    def _series(self, name: str, labels: Labels) -> list[tuple[Floats, Floats]]:
        found = self.run.samples.select(name)
        return [(times, values) for own, times, values in found if all(label(own) for label in labels)]

    def _faults(self) -> list[tuple[float, float]]:
        open_, windows = {}, []
        for event in self.run.events:
            key = (event["name"], event.get("number"))
            if event["kind"] == "fault" and event.get("edge") == "start":
                open_[key] = event["t"]
            elif event["kind"] == "fault" and event.get("edge") == "end" and key in open_:
                windows.append((open_.pop(key), event["t"]))
        return windows + [(start, math.inf) for start in open_.values()]

    def _busiest(self, name: str, labels: Labels, span: int) -> float:
        people = [self.run.people[column] for column in ("started", "ended")]
        latest = [float(np.nanmax(column)) for column in people if np.isfinite(column).any()]
        grid = np.arange(0.0, max(*latest, float(self.run.config["last_arrival_s"]), 1.0, float(span)) + 1.0)
        counted = np.zeros(len(grid))
        for times, values in self._series(name, labels):
            if not values.any():
                continue
            simulated = self.run.config.get("simulated", False)  # whose counters are known from the beginning
            base = 0.0 if simulated else values[np.flatnonzero(values)[0]]
            steps = np.diff(values, prepend=0.0)
            gained = np.cumsum(np.where(steps >= 0, steps, values))
            held = np.concatenate(([0.0], np.maximum(gained - base, 0.0)))
            counted += held[np.searchsorted(times, grid, side="right")]
        return float((counted[span:] - counted[:-span]).max()) / span

    def _buckets(self, name: str, labels: Labels, windows: list[tuple[float, float]]) -> tuple[Floats, Floats]:
        """(upper edges, counts), at the edges that all processes share."""
        families: dict[str, dict[float, float]] = {}
        for own, times, values in self.run.samples.select(f"{name}_bucket"):
            if all(label(own) for label in labels):
                rest = json.dumps(sorted((key, text) for key, text in own.items() if key != "le"))
                families.setdefault(rest, {})[float(own["le"])] = _gained(times, values, windows)
        if not families:
            raise NoSuchSource(f"no histogram {name}")
        edges = sorted(set.intersection(*(set(family) for family in families.values())))
        cumulative = [sum(family[edge] for family in families.values()) for edge in edges]
        return np.array(edges), np.diff(cumulative, prepend=0.0)


def _closing(text: str) -> int:
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if not depth:
            return place
    raise NoSuchSource(text)


def _combined(value: float, sign: str, other: float) -> float:
    if sign == "/":
        return value / other
    if sign == "*":
        return value * other
    if sign in "+-":
        return value + other if sign == "+" else value - other
    raise NoSuchSource(f"no such sign: {sign}")


def _path(document: Any, dotted: str) -> float:
    """Keys may hold dots themselves: the longest that fits is taken."""
    keys = dotted.split(".")
    for length in range(len(keys), 0, -1):
        key, rest = ".".join(keys[:length]), ".".join(keys[length:])
        if isinstance(document, list) and length == 1:
            return _path(document[int(key)], rest) if rest else float(document[int(key)])
        if isinstance(document, dict) and key in document:
            return _path(document[key], rest) if rest else _number(document[key])
    raise NoSuchSource(dotted)


def _number(value: Any) -> float:
    if isinstance(value, str) and "/" in value:
        over, _, under = value.partition("/")
        return float(over) / float(under)
    return float(value)


def _selector(text: str) -> tuple[str, Labels]:
    """`name{a=b|e,c!^d}`: a is b or e, c does not begin with d."""
    matched = re.fullmatch(r"([a-z_]+)(?:\{(.*)\})?", text)
    if not matched:
        raise NoSuchSource(text)
    labels: Labels = []
    for pair in filter(None, (matched[2] or "").split(",")):
        name, sign, value = re.split(r"(!\^|=)", pair, maxsplit=1)
        if sign == "=":
            labels.append(lambda own, name=name, value=value: own.get(name, "") in value.split("|"))  # type: ignore[misc]
        else:
            labels.append(lambda own, name=name, value=value: not own.get(name, "").startswith(value))  # type: ignore[misc]
    return matched[1], labels


def _gained(times: Floats, values: Floats, windows: list[tuple[float, float]]) -> float:
    gained, before, last = 0.0, 0.0, times[0] if len(times) else 0.0
    for moment, value in zip(times.tolist(), values.tolist(), strict=True):
        if all(last >= end or moment < start for start, end in windows):
            gained += value - before if value >= before else value
        before, last = value, moment
    return gained


def _quantile(edges: Floats, counts: Floats, q: float) -> float:
    cumulative = np.cumsum(counts)
    rank = q * cumulative[-1] * (1 - 1e-9)
    place = int(np.searchsorted(cumulative, rank))
    below, low = (cumulative[place - 1], edges[place - 1]) if place else (0.0, 0.0)
    if math.isinf(edges[place]):
        return math.inf
    return float(low + (edges[place] - low) * (rank - below) / counts[place])
