"""What a registration costs, by the prices of the night file: a line for each thing that is bought.

What is counted over the whole run, also for those who did not get through, is divided by those who joined. Processors
are the exception: their least is what was used; where the cores of the night's peak are known, they are bought for the
peak, with the room that is planned, and paid for until the wave closes. Memory comes with them, as machines are sold.
Nothing is discounted, and people's work, support and the buildings are not in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reports.drawing import Table
from reports.extrapolation import FULL
from reports.facts import Facts
from reports.names import STATUSES, named
from reports.needs import PEOPLE_OF_A_REPEAT, Needs
from reports.scale import SERVICE_ROLES
from reports.stated import Stated, confidence, not_known
from reports.uses import JOINED, Taken
from reports.wording import Said, listed, number, percent, recorded, say

ID = "#money"
THOUSAND = 1000
PRICED = {
    "sms_messages": ("sms_message", 1.0),
    "email_messages": ("email_message", 1.0),
    "identity_checks": ("identity_check", 1.0),
    "photo_bytes": ("stored_gb_month", 1e9),
    "bytes_sent": ("transferred_gb", 1e9),
}
"""Price of a use, and how many of what is counted make one of what is priced."""


@dataclass(frozen=True)
class Line:
    """One thing that is bought for a thousand who joined. amount, low, high: in the night's currency."""

    what: Said
    quantity: float
    quantity_source: str
    unit: Said
    price: float
    price_keys: tuple[str, ...]
    amount: float
    low: float
    high: float
    source: str


def lines(facts: Facts, taken: Taken, needs: Needs | None, cores: Stated) -> list[Line]:
    """Every line that the record and the night's prices allow; none without anybody who joined."""
    prices = facts.config["night"].get("prices") or {}
    if not facts.joined or not prices:
        return []
    return [*_used(taken, prices), *_processors(facts, needs, cores, prices)]


def _used(taken: Taken, prices: dict[str, Any]) -> Iterator[Line]:
    units = {
        "sms_message": say("messages"),
        "email_message": say("messages"),
        "identity_check": say("checks"),
        "stored_gb_month": say("GB, kept {months} months", months=number(_months(prices))),
        "transferred_gb": say("GB"),
    }
    for use in taken.uses.values():
        key, of_one = PRICED.get(use.id, ("", 1.0))
        price = prices.get(key)
        if price is None:
            continue
        times = _months(prices) if key == "stored_gb_month" else 1.0
        each, low, high = (THOUSAND / of_one * one for one in use.each(taken.joined))
        per_thousand = f"(({use.source}) / ({JOINED})) * {THOUSAND / of_one:g}"
        amount = f"(({per_thousand}) * (config:night.prices.{key})) * {times:g}"
        keys = (key, "photos_kept_months") if key == "stored_gb_month" else (key,)
        yield Line(use.what, each, per_thousand, units[key], price, keys, each * price * times, low * price * times,
                   high * price * times, amount)  # fmt: skip


def _months(prices: dict[str, Any]) -> float:
    """How long photos are kept; one month of a night that does not say it."""
    return float(prices.get("photos_kept_months") or 1.0)


def _processors(facts: Facts, needs: Needs | None, cores: Stated, prices: dict[str, Any]) -> Iterator[Line]:
    price, keys = prices.get("vcpu_hour"), ["vcpu_hour"]
    used = sum(facts.config["cpu_s"].get(role, 0.0) for role in SERVICE_ROLES)
    if price is None or not used:
        return
    if prices.get("memory_gb_per_vcpu") and prices.get("memory_gb_hour") is not None:
        price += prices["memory_gb_per_vcpu"] * prices["memory_gb_hour"]
        keys += ["memory_gb_per_vcpu", "memory_gb_hour"]
    least = THOUSAND * used / facts.joined / 3600
    hours, what = least, say("processors with their memory, what was used")
    low = high = least
    if needs is not None and cores.value is not None and facts.planned:
        paid = needs.open_s / 3600 * THOUSAND / (needs.people * facts.joined / facts.planned)
        hours = max(least, cores.value / FULL * paid)
        high = max(hours, (cores.value if cores.high is None else cores.high) / FULL * paid)
        what = say("processors with their memory, at most {full} busy at the peak, until the close", full=percent(FULL))
    yield Line(what, hours, ID, say("core-hours"), price, tuple(keys), hours * price, low * price, high * price, ID)


def cost(facts: Facts, taken: Taken, needs: Needs | None, cores: Stated) -> Stated:
    """What a thousand who joined cost, all lines together."""
    what = say("cost of 1,000 who joined")
    bought = lines(facts, taken, needs, cores)
    if not bought:
        why = (
            say("nobody joined") if not facts.joined else say("the night has no prices, or nothing priced was counted")
        )
        return not_known("cost", what, "IDR", why, ID)
    value, low, high = (sum(getattr(line, name) for line in bought) for name in ("amount", "low", "high"))
    guessed = any(_status(facts, key) != "fact" for line in bought for key in line.price_keys)
    sure = confidence(value, low, high, repeats=facts.joined // PEOPLE_OF_A_REPEAT, assumed=1 + guessed)
    return Stated("cost", what, value, low, high, "IDR", "extrapolated", sure, ID)


def view(facts: Facts, taken: Taken, needs: Needs | None, cores: Stated) -> dict[str, Any]:
    """What the template of the section is filled with."""
    bought = lines(facts, taken, needs, cores)
    return {"lines": table(facts, bought) if bought else None, "not_counted": not_counted(taken, bought)}


def table(facts: Facts, bought: list[Line]) -> Table:
    """Each line with its quantity, price, where the price comes from, and what it adds."""
    rows = []
    for line in bought:
        quantity = listed((number(line.quantity, source=line.quantity_source), line.unit), " ")
        interval = say("{low} to {high}", low=number(line.low, source=ID), high=number(line.high, source=ID))
        price_source = f"config:night.prices.{line.price_keys[0]}" if len(line.price_keys) < 3 else ID
        origin = listed(dict.fromkeys(_origin(facts, key) for key in line.price_keys), "; ")
        rows.append(
            [line.what, quantity, number(line.price, source=price_source), number(line.amount, source=line.source),
             interval, origin]
        )  # fmt: skip
    head = [say("of what"), say("for 1,000 who joined"), say("price, IDR"), say("IDR"), say("interval"),
            say("where the price comes from")]  # fmt: skip
    return Table(head, rows)


def not_counted(taken: Taken, bought: list[Line]) -> list[Said]:
    """What somebody pays for and no line holds."""
    keys = {key for line in bought for key in line.price_keys}
    missing = [use.what for use in taken.uses.values() if use.id in PRICED and PRICED[use.id][0] not in keys]
    told = [say("{what}: the night has no price for it", what=what) for what in missing]
    return [*told, say("answers on their way to the phones: the record does not count their bytes"),
            say("TLS, load balancers, people's work, support")]  # fmt: skip


def _figure(facts: Facts, key: str) -> dict[str, Any]:
    figures = facts.config["night"].get("figures", ())
    return next((one for one in figures if one["key"] == f"prices.{key}"), {})


def _status(facts: Facts, key: str) -> str:
    return str(_figure(facts, key).get("status", "assumption"))


def _origin(facts: Facts, key: str) -> Said:
    """Status of a price and its source: "assumption, our own ..."."""
    found = _figure(facts, key)
    source, _, remark = str(found.get("source", "")).partition(": ")
    words = remark or facts.config["night"].get("sources", {}).get(source, source)
    status = named(_status(facts, key), STATUSES)
    return listed((status, recorded(words)), ", ") if words else status
