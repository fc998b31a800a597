"""Samples of processes that ran before the rehearsal, as if they had begun with it.

A record's counters start at zero with their process, so what a running stack had counted before would be taken for the
run's. What a counter showed at the first scrape of its process is therefore left out of all that follows.
"""

from collections.abc import Collection, Mapping

from scenarios.record import SamplesWriter

COUNTING = ("_total", "_bucket", "_count", "_sum")
"""Endings of the series that only rise: counters, and the parts of histograms."""

Key = tuple[str, tuple[tuple[str, str], ...]]


class FromZero(SamplesWriter):
    """Takes samples as a SamplesWriter does; those of `instances` are kept until it writes."""

    def __init__(self, instances: Collection[str]) -> None:
        super().__init__()
        self._instances = instances
        self._kept: dict[Key, list[tuple[float, float]]] = {}
        self._first: dict[str, float] = {}
        """When an instance first answered a scrape."""

    def add(self, t: float, name: str, labels: Mapping[str, str], value: float) -> None:
        instance = labels.get("instance", "")
        if instance not in self._instances or not name.endswith(COUNTING):
            super().add(t, name, labels, value)
            return
        self._first[instance] = min(t, self._first.get(instance, t))
        self._kept.setdefault((name, tuple(sorted(labels.items()))), []).append((t, value))

    def release(self) -> None:
        """Hand on what was kept; nothing of `instances` may be added afterwards."""
        for (name, pairs), samples in self._kept.items():
            labels = dict(pairs)
            # A series that appears later was born during the run, and counts in full.
            base = samples[0][1] if samples[0][0] <= self._first[labels["instance"]] else 0.0
            before = base
            for t, value in samples:
                if value < before:  # a new process, which began at zero
                    base = 0.0
                before = value
                super().add(t, name, labels, value - base)
        self._kept.clear()
