"""What must hold across the keys of a night: no gaps, shares that sum to 1, published totals met, faults apart.

Each check names the keys it needs; it is left out when one of them could not be read, because that is a fault already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from types import SimpleNamespace

from scenarios import fault_checks, networks, objective_checks
from scenarios.capacities import AllowanceSpan
from scenarios.fates import Manners
from scenarios.figures import Figure
from scenarios.provinces import BY_CODE, ZONES
from scenarios.reader import Reader

Found = Iterator[tuple[str, str]]

_TOLERANCE = 1e-6
"""Of a sum of shares: they are written with a few decimals."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
"""Files and folders are called after a night: its name must never lead elsewhere."""
_PATH = re.compile(r"/[A-Za-z0-9/._~-]*")
_MOST_PHOTOS = 1_000
"""Of the corpus: every swarm process makes them all before it is ready."""


def check(night: SimpleNamespace, reader: Reader) -> list[tuple[str, str]]:
    """Faults (key, text) across the keys of a night as read, beyond those the reader found."""
    found: list[tuple[str, str]] = []
    for needs, run in _CHECKS:
        if all(reader.is_whole(key) for key in needs):
            found += run(night)
    found += fault_checks.factors(night, {figure.key for figure in reader.figures})
    # The numbers of the curve are compared only when the curve itself can be built.
    if reader.is_faultless("curve") and not any(key.startswith("curve") for key, _ in found):
        found += _anchors(night)
    return found


def unknown_sources(sources: Mapping[str, str], figures: Iterable[Figure]) -> list[tuple[str, str]]:
    """A fault for each figure whose source, an id or "id: remark", has an id that the night does not explain.

    "own" (our arithmetic or assumption) explains itself.
    """
    known = {"own", *sources}
    return [
        (figure.key, f"source {figure.source.split(':')[0]!r} is not explained in the table sources")
        for figure in figures
        if figure.source.split(":")[0] not in known
    ]


def _name(night: SimpleNamespace) -> Found:
    if not _NAME.fullmatch(night.name):
        yield "name", "must be 1 to 64 of a-z, 0-9 and -, not beginning with -, because files are called after it"


def _dates(night: SimpleNamespace) -> Found:
    if not night.opens_at < night.closes_at:
        yield "closes_at", "must be after opens_at"
    elif night.joins_open_at is not None and not night.opens_at <= night.joins_open_at < night.closes_at:
        yield "joins_open_at", "must lie from opens_at to before closes_at"


def _blocks(night: SimpleNamespace) -> Found:
    blocks = night.curve.blocks
    if not blocks:
        yield "curve.blocks", "must have at least one block"
    for i, block in enumerate(blocks):
        if not block.start < block.end:
            yield f"curve.blocks[{i}].end", "must be after the start of its block"
    for i, (one, other) in enumerate(pairwise(blocks), start=1):
        if one.end != other.start:
            word = "a gap" if one.end < other.start else "an overlap"
            yield f"curve.blocks[{i}].start", f"{word}: the block before ends at {one.end.isoformat()}"


def _opening(night: SimpleNamespace) -> Found:
    blocks = night.curve.blocks
    if blocks and blocks[0].start != night.opens_at:
        yield "curve.blocks[0].start", f"must be opens_at, {night.opens_at.isoformat()}"
    if blocks and blocks[-1].end != night.closes_at:
        yield f"curve.blocks[{len(blocks) - 1}].end", f"must be closes_at, {night.closes_at.isoformat()}"


def _readings(night: SimpleNamespace) -> Found:
    curve = night.curve
    if not curve.blocks:
        return
    if curve.default not in curve.readings:
        yield "curve.default", f"no such reading; there are {', '.join(curve.readings)}"
    ends = [block.end for block in curve.blocks]
    if curve.spread_until not in ends:
        yield "curve.spread_until", "must be the end of a block"
        return
    launch_s = (ends[0] - curve.blocks[0].start).total_seconds()
    spread = curve.blocks[: ends.index(curve.spread_until) + 1]
    total = sum(block.people for block in spread)
    for name, reading in curve.readings.items():
        key = f"curve.readings.{name}"
        if reading.people > total or (reading.people != total and sum(block.people for block in spread[1:]) == 0):
            yield f"{key}.people", f"the {total} people until spread_until cannot be kept"
        if not 0 < reading.rise_s < launch_s:
            yield f"{key}.rise_s", f"must lie inside the first block, above 0 and below {launch_s:g} s"
        if not reading.decay_s > 0:
            yield f"{key}.decay_s", "must be more than 0"
        if not reading.base_per_s + reading.peak_per_s > 0:
            yield f"{key}.peak_per_s", "nobody arrives: base_per_s and peak_per_s are both 0"


def _anchors(night: SimpleNamespace) -> Found:
    opens = night.curve.blocks[0].start
    for i, anchor in enumerate(night.curve.anchors):
        for name in night.curve.readings:
            counted = night.curve.reading(name).cumulative((anchor.at - opens).total_seconds())
            if counted != anchor.total:
                yield (
                    f"curve.anchors[{i}].total",
                    f"is {anchor.total}, but the {name} reading has {counted:.0f} people at {anchor.at.isoformat()}",
                )


def _sums_to_one(key: str, shares: Mapping[str, float]) -> Found:
    total = sum(shares.values())
    if abs(total - 1.0) > _TOLERANCE:
        yield key, f"shares must sum to 1, not {total:g}"


def _provinces(night: SimpleNamespace) -> Found:
    weights = night.population.provinces
    for code in weights:
        if not code.isdecimal() or int(code) not in BY_CODE:
            yield f"population.provinces.{code}", "no such province code"
    if sum(weights.values()) <= 0:
        yield "population.provinces", "weights must sum to more than 0"


def _ages(night: SimpleNamespace) -> Found:
    if night.population.oldest_years < night.population.youngest_years:
        yield "population.oldest_years", "must not be below youngest_years"


def _hours(night: SimpleNamespace) -> Found:
    weights = night.population.retries.hourly_weights
    if len(weights) != 24:
        yield "population.retries.hourly_weights", "must have 24 weights, one for each hour from 00"
    elif sum(weights) <= 0:
        yield "population.retries.hourly_weights", "must sum to more than 0, or nobody ever comes back"


def _circumstances(night: SimpleNamespace) -> Found:
    people = night.population
    for name in people.browsers.low_memory if people.browsers is not None else ():
        if name not in people.devices:
            yield f"population.browsers.low_memory.{name}", f"no such device; there are {', '.join(people.devices)}"
    if people.older is not None and not people.youngest_years <= people.older.from_years <= people.oldest_years:
        yield "population.older.from_years", "must be from youngest_years to oldest_years"
    for name, kind in (("older", people.older), ("assisted", people.assisted)):
        if kind is not None and not kind.think_factor > 0:
            yield f"population.{name}.think_factor", "must be more than 0"


def _onlookers(night: SimpleNamespace) -> Found:
    onlookers = night.population.onlookers
    if onlookers is not None and not _PATH.fullmatch(onlookers.opens):
        yield "population.onlookers.opens", "must be a path, for example /waves/1/result"


def _photos(night: SimpleNamespace) -> Found:
    if not 1 <= night.population.photos.count <= _MOST_PHOTOS:
        yield "population.photos.count", f"must be from 1 to {_MOST_PHOTOS}"


def _manners(night: SimpleNamespace) -> Found:
    known = [each.name.lower() for each in Manners]
    for name in night.manners:
        if name not in known:
            yield f"manners.{name}", f"no such manners; there are {', '.join(known)}"
    yield from _sums_to_one("manners", night.manners)


def _network_zones(night: SimpleNamespace) -> Found:
    known = True
    for name, network in night.networks.items():
        for i, zone in enumerate(network.zones):
            if zone not in ZONES:
                known = False
                yield f"networks.{name}.zones[{i}]", f"no such zone; there are {', '.join(ZONES)}"
    weights = night.population.provinces
    if not known or any(_provinces(night)) or min(weights.values()) < 0:
        return
    if sum(network.share for network in night.networks.values() if not network.zones) <= 0:
        yield "networks", "one profile at least must be without zones"
        return
    for zone in ZONES:
        shares = networks.shares_in(zone, night.networks, night.population.zone_shares)
        if min(shares) < 0:
            yield "networks", f"profiles bound to zones have more people than zone {zone} has"


def _sets(night: SimpleNamespace) -> Found:
    if night.default_set not in night.partners:
        yield "default_set", f"no such partner set; there are {', '.join(night.partners)}"


def _capacities(night: SimpleNamespace) -> Found:
    for name, partner_set in night.partners.items():
        if -1 < partner_set.gate_per_s <= 0:
            yield f"partners.{name}.gate_per_s", "must be more than 0, or -1 for no gate"
        registry = partner_set.civil_registry
        key = f"partners.{name}.civil_registry"
        if not 0 < registry.latency_median_s <= registry.latency_p99_s:
            yield f"{key}.latency_p99_s", "must not be below latency_median_s, which must be more than 0"
        end = 0.0
        for i, span in enumerate(registry.allowance):
            yield from _span(f"{key}.allowance[{i}]", span, end)
            end = span.end_s


def _span(key: str, span: AllowanceSpan, earliest: float) -> Found:
    if (span.count is None) == (span.per_day is None):
        yield key, "must have either count or per_day"
    if span.start_s < earliest:
        yield f"{key}.start_s", f"overlaps the span before, which ends at {earliest:g}"
    if not span.start_s < span.end_s:
        yield f"{key}.end_s", "must be after start_s"


_CHECKS: tuple[tuple[tuple[str, ...], Callable[[SimpleNamespace], Found]], ...] = (
    (("name",), _name),
    (("opens_at", "closes_at", "joins_open_at"), _dates),
    (("curve.blocks",), _blocks),
    (("opens_at", "closes_at", "curve.blocks"), _opening),
    (("curve.default", "curve.readings", "curve.spread_until", "curve.blocks"), _readings),
    (("population.provinces",), _provinces),
    (("population.youngest_years", "population.oldest_years"), _ages),
    (("population.devices",), lambda night: _sums_to_one("population.devices", night.population.devices)),
    (
        ("population.patience",),
        lambda night: _sums_to_one("population.patience", _shares(night.population.patience)),
    ),
    (("population.retries.hourly_weights",), _hours),
    (("population",), _circumstances),
    (("population",), _onlookers),
    (("population.photos.count",), _photos),
    (("manners",), _manners),
    (("networks",), lambda night: _sums_to_one("networks", _shares(night.networks))),
    (("networks", "population.provinces"), _network_zones),
    (("default_set", "partners"), _sets),
    (("partners",), _capacities),
    ((), fault_checks.on_the_timeline),
    (("objectives", "objective_reasons"), objective_checks.check),
)


def _shares(classes: Mapping[str, object]) -> dict[str, float]:
    return {name: each.share for name, each in classes.items()}  # type: ignore[attr-defined]
