"""What both sources of samples share: where a target is, which series are kept, the latest values.

A source is the harness's own scraper or a Prometheus server. Both name a series the same way (`job` = role,
`instance` = host:port), stamp it with the moment its scrape began and hand raw samples to one `SamplesWriter`.
"""

from dataclasses import dataclass
from typing import Protocol

from scenarios.record import SamplesWriter

KEPT = ("registration_", "swarm_", "partner_", "rehearsal_")
"""Prefixes of what is recorded, and `up`; a runtime's own series (memory of Python...) would only be weight."""


@dataclass(frozen=True)
class Target:
    """One metrics endpoint; job is the role behind it."""

    job: str
    host: str
    port: int

    @property
    def instance(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def labels(self) -> dict[str, str]:
        return {"job": self.job, "instance": self.instance}


def kept(name: str) -> bool:
    return name == "up" or name.startswith(KEPT)


class Source(Protocol):
    """Where samples come from while the night plays."""

    def watch(self, targets: list[Target]) -> None:
        """Begin to take samples of the targets. Raises Refusal when that cannot work."""

    def total(self, name: str, **labels: str) -> float:
        """The latest values of every series of that name with those labels, added up; 0 when there is none."""

    def latest(self, name: str) -> list[tuple[dict[str, str], float]]:
        """The latest value of every series of that name, with its labels."""

    def finish(self, writer: SamplesWriter, opens_at: float) -> None:
        """Take a last sample of everything, stop, and add all samples; times become seconds since `opens_at`."""
