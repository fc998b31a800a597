"""What a set costs: a small table that the planner can replace, read and checked with all faults at once."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenarios import locate
from scenarios.simulation.planning.knobs import KNOBS, Values

USUAL = Path(__file__).with_name("prices.toml")
_KEYS = ("unit", "status", "price")
_OF_PRICE = ("value", "why")


class PriceError(ValueError):
    """The table cannot be used; one line for each fault: `file:line: key: text`."""


@dataclass(frozen=True)
class Prices:
    """Price of a unit of each knob, in `unit`."""

    unit: str
    status: str
    """fact or assumption, as the table says."""
    of: Mapping[str, float]
    why: Mapping[str, str]

    def cost(self, values: Values) -> float:
        """Of a whole set."""
        return sum(self.of[name] * amount for name, amount in values.items())

    def to_dict(self) -> dict[str, Any]:
        return {"unit": self.unit, "status": self.status, "of": dict(self.of), "why": dict(self.why)}


def load(path: Path = USUAL) -> Prices:
    """The table in a TOML file. Raises PriceError with every fault."""
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as fault:
        raise PriceError(f"{path}: {fault.strerror}") from None
    except UnicodeDecodeError:
        raise PriceError(f"{path}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as fault:
        raise PriceError(f"{path}: not valid TOML: {fault}") from None
    lines = locate.lines(text)
    if faults := _faults(document):
        placed = sorted((locate.line_of(key, lines), key, words) for key, words in faults)
        raise PriceError("\n".join(f"{path}:{line}: {key}: {words}" for line, key, words in placed))
    table = {name: each if isinstance(each, dict) else {"value": each} for name, each in document["price"].items()}
    return Prices(
        unit=document["unit"],
        status=document.get("status", "assumption"),
        of={name: float(table[name]["value"]) for name in KNOBS},
        why={name: str(table[name].get("why", "")) for name in KNOBS},
    )


def _faults(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [(key, f"unknown; there are {', '.join(_KEYS)}") for key in document if key not in _KEYS]
    if not isinstance(document.get("unit"), str) or not document["unit"]:
        found.append(("unit", "must say in words what prices are in"))
    if document.get("status", "assumption") not in ("fact", "assumption"):
        found.append(("status", "must be fact or assumption"))
    prices = document.get("price")
    if not isinstance(prices, dict):
        return [*found, ("price", f"must be a table with a price for each of {', '.join(KNOBS)}")]
    for name in KNOBS:
        if name not in prices:
            found.append((f"price.{name}", f"missing: the price of one of {KNOBS[name].unit}"))
    for name, price in prices.items():
        found += _of_one(name, price)
    if not found and not any(_value(price) for price in prices.values()):
        found.append(("price", "is 0 for everything: then no set is cheaper than another"))
    return found


def _of_one(name: str, price: Any) -> list[tuple[str, str]]:
    key = f"price.{name}"
    if name not in KNOBS:
        return [(key, f"no such knob; there are {', '.join(KNOBS)}")]
    found = []
    if isinstance(price, dict):
        found = [(f"{key}.{each}", "unknown; there are value and why") for each in price if each not in _OF_PRICE]
    if _value(price) is None:
        found.append((key, "must be a number from 0 on, or a table with such a value"))
    return found


def _value(price: Any) -> float | None:
    value = price.get("value") if isinstance(price, dict) else price
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return float(value)
