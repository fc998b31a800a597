"""Was the generator the limit? Audits over what the swarm measured of itself, each with cause and advice.

Lateness decides: who starts people late measures itself. The other audits say which resource was at its end, which is
the cause to name; those that spoil figures even when everybody starts in time make a run invalid by themselves.
"""

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

LATE_P99_MS = 10.0
"""A clean clock stays below 5 ms; above 10 response times are the machine's."""
LATE_MAX_MS = 1000.0
"""Whoever starts a second late meets another moment of the night."""
CPU_SHARE = 0.9
"""Of one core, over ten seconds: a loop so full makes every answer wait before it is read. Over three it is named."""
WAIT_SHARE = 0.2
"""Of the time, in which a worker that would be busy for CPU_SHARE has no core: then others have the machine."""
LOOP_MS = 50.0
GC_MS = 50.0
NEARLY = 0.8
"""Share of a countable resource from which on it is told."""
BLOCKED_P99_MS = 10.0
"""As late as that by waiting for a connection of ours is as late as by starting late."""
LOST_SHARE = 0.01

MORE = "give the swarm more cores or another machine, or play fewer people (--people, --speed)"
MORE_WORKERS = "add workers (--processes, --workers) while there are cores, or play fewer people"


@dataclass(frozen=True)
class Audit:
    """Something that was at or near its end. invalid: the run's figures are not to be trusted for it."""

    id: str
    invalid: bool
    cause: str
    advice: str
    figure: float
    """In the unit that the cause names."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


Signs = Mapping[str, Mapping[str, float]]
"""Worker -> its figures (loadtests.vitals)."""


def audits(
    lateness_ms: Mapping[str, float], signs: Signs, *, blocked_p99_s: float = 0.0, lost_share: float = 0.0
) -> list[Audit]:
    """What was found; invalid ones first. A clean run has none.

    lateness_ms: p99 and max of those who were not taken over from a lost worker; empty if nobody started.
    lost_share: of the planned, who were cut because their worker was lost.
    """
    ends, pauses = [*_cores(signs), *_connections(signs, blocked_p99_s)], _pauses(signs)
    # Without a core everything pauses: a consequence is no cause.
    found = [*_lateness(lateness_ms, ends or pauses), *ends, *pauses, *_lost(lost_share)]
    return sorted(found, key=lambda audit: not audit.invalid)


def show(found: list[Audit]) -> None:
    """Say on standard error what was found."""
    for audit in found:
        word = "INVALID" if audit.invalid else "note"
        print(f"swarm: {word}: {audit.cause}; {audit.advice}", file=sys.stderr, flush=True)


def _lateness(lateness_ms: Mapping[str, float], causes: list[Audit]) -> list[Audit]:
    p99, most = lateness_ms.get("p99", 0.0), lateness_ms.get("max", 0.0)
    why = "; ".join(audit.cause for audit in causes)
    why = why or "nothing of the generator's own was at its end, so something held up the whole machine"
    advice = causes[0].advice if causes else "look at what else runs on the machine, and play the night again"
    if p99 > LATE_P99_MS:
        text = f"1 in 100 applicants was started more than {p99:,.1f} ms late, {LATE_P99_MS:g} allowed: {why}"
        return [Audit("lateness", True, text, advice, p99)]
    if most > LATE_MAX_MS:
        text = f"an applicant was started {most:,.0f} ms late, {LATE_MAX_MS:,.0f} allowed: {why}"
        return [Audit("latest", True, text, advice, most)]
    return []


def _cores(signs: Signs) -> list[Audit]:
    worker, cpu = _worst(signs, "cpu_share")
    if cpu > CPU_SHARE:
        text = f"{worker} used {cpu:.0%} of a core for ten seconds, {CPU_SHARE:.0%} allowed"
        return [Audit("cpu", True, text, MORE_WORKERS, cpu)]
    worker, busy = _worst(signs, "busy_share")
    if busy <= CPU_SHARE:
        return []
    wait = signs[worker]["wait_share"]
    if wait > WAIT_SHARE:
        text = f"the machine's cores were all busy: for three seconds {worker} waited {wait:.0%} of the time for one"
        return [Audit("cores", False, text, MORE, wait)]
    return [Audit("rush", False, f"{worker} used {busy - wait:.0%} of a core for three seconds", MORE_WORKERS, busy)]


def _connections(signs: Signs, blocked_p99_s: float) -> list[Audit]:
    found = []
    for id_, what, failed, advice in (
        ("ports", "local ports", "no_port", "give the swarm more addresses (--source-addresses), or wider ports "
         "(sysctl net.ipv4.ip_local_port_range)"),
        ("files", "open files", "no_file", "raise the limit (ulimit -n), or add workers"),
    ):  # fmt: skip
        worker, times = _worst(signs, failed)
        if times:
            text = f"{worker} had no {what} left for {times:,.0f} connections"
            found.append(Audit(id_, True, text, advice, times))
            continue
        worker, share = max(
            ((name, own.get(id_, 0.0) / own[f"{id_}_limit"]) for name, own in signs.items() if own.get(f"{id_}_limit")),
            key=lambda pair: pair[1],
            default=("", 0.0),
        )
        if share > NEARLY:
            found.append(Audit(id_, False, f"{share:.0%} of the {what} of {worker} were in use", advice, share))
    blocked_ms = 1000.0 * blocked_p99_s
    if blocked_ms > BLOCKED_P99_MS:
        text = f"1 in 100 requests waited more than {blocked_ms:,.1f} ms for a connection of the swarm's own"
        advice = "raise --most-connections (and ulimit -n), or add workers"
        found.append(Audit("connections", True, text, advice, blocked_ms))
    return found


def _pauses(signs: Signs) -> list[Audit]:
    found = []
    worker, loop = _worst(signs, "loop_p99_9_s")
    if 1000.0 * loop > LOOP_MS:
        text = f"the loop of {worker} was blocked: 1 look in 1,000 came more than {1000.0 * loop:,.0f} ms late"
        found.append(Audit("loop", False, text, MORE_WORKERS, 1000.0 * loop))
    worker, pause = _worst(signs, "gc_max_s")
    if 1000.0 * pause > GC_MS:
        text = f"{worker} stopped for {1000.0 * pause:,.0f} ms to look for garbage"
        found.append(Audit("gc", False, text, "add workers: each then holds fewer objects", 1000.0 * pause))
    return found


def _lost(share: float) -> list[Audit]:
    if not share:
        return []
    text = f"{share:.2%} of the planned applicants were cut because their worker was lost, {LOST_SHARE:.0%} allowed"
    return [Audit("worker-lost", share > LOST_SHARE, text, "see the worker's log, and play the night again", share)]


def _worst(signs: Signs, name: str) -> tuple[str, float]:
    """The worker with the highest figure of that name; without a name where nobody has one."""
    return max(((worker, own[name]) for worker, own in signs.items() if own.get(name)),
               key=lambda pair: pair[1], default=("", 0.0))  # fmt: skip
