"""Network profiles: what a phone's connection is like, who has which, and when and how it breaks.

The functions in `RULES` are compiled by numba as they stand (DESIGN section 2, compiled rules).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from scenarios.figures import Mbps, PerMinute, Seconds, Share
from scenarios.streams import Purpose, exponential, uniform

HALF_OPEN_SHARE = 0.3
KILLED_SHARE = 0.1
"""Of the cuts, after a change of cell or address; and of the app, when Android needs its memory. The rest are seen at
once by both ends. Our assumption: nobody counts how connections end."""
SILENCE = 15.0
"""Seconds without an acknowledged byte until a phone gives a silent connection up: Android's check of a network that
went bad takes about as long."""


class Cut(IntEnum):
    """How a connection ends while a photo is being sent."""

    NONE = 0
    RESET = 1
    """Both ends notice at once."""
    HALF_OPEN = 2
    """Silence: the phone gives up after SILENCE, the server is never told."""
    KILLED = 3
    """The app is gone; it knows its upload's address when it is opened again."""


@dataclass(frozen=True)
class Network:
    """One profile. `zones` limits it to provinces of these time zones; empty means everywhere."""

    share: Share
    round_trip_s: Seconds
    loss: Share
    down_mbps: Mbps
    up_mbps: Mbps
    cuts_per_min: PerMinute = 0.0
    """Of a connection that is sending."""
    zones: tuple[str, ...] = ()


def shares_in(zone: str, networks: Mapping[str, Network], zone_shares: Mapping[str, float]) -> list[float]:
    """The share of each profile, in order, among the people of `zone`; the shares over the whole country stay exact.

    zone_shares: share of the population by zone, sum 1. A profile bound to zones has all its people there; the others
    split what remains of each zone in their own proportions. A result outside 0..1 means that the bound zones are too
    small for their profiles.
    """
    bound = 0.0
    here: dict[str, float] = {}
    for name, network in networks.items():
        if network.zones:
            bound += network.share
            of_zones = sum(zone_shares[each] for each in network.zones)
            here[name] = network.share / of_zones if zone in network.zones and of_zones else 0.0
    rest = 1.0 - sum(here.values())
    free = 1.0 - bound
    return [here[name] if network.zones else network.share * rest / free for name, network in networks.items()]


def cut_after_s(seed: int, number: int, send: int, cuts_per_min: float) -> float:
    """Seconds of sending until the connection of this request breaks; -1: it never does.

    send: the applicant's requests with a photo's bytes so far. Cuts come without memory, so each request draws anew.
    """
    if cuts_per_min <= 0.0:
        return -1.0
    return exponential(uniform(seed, number, Purpose.CUT, send), 60.0 / cuts_per_min)


def cut_kind(seed: int, number: int, send: int) -> int:
    """How it breaks: a Cut other than NONE."""
    drawn = uniform(seed, number, Purpose.CUT_KIND, send)
    if drawn < HALF_OPEN_SHARE:
        return Cut.HALF_OPEN + 0
    return Cut.KILLED + 0 if drawn < HALF_OPEN_SHARE + KILLED_SHARE else Cut.RESET + 0


RULES = (cut_after_s, cut_kind)
"""What numba compiles, each after those it calls."""
