"""Network profiles: what a phone's connection is like, and who has which."""

from collections.abc import Mapping
from dataclasses import dataclass

from scenarios.figures import Mbps, Seconds, Share


@dataclass(frozen=True)
class Network:
    """One profile. `zones` limits it to provinces of these time zones; empty means everywhere."""

    share: Share
    round_trip_s: Seconds
    loss: Share
    down_mbps: Mbps
    up_mbps: Mbps
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
