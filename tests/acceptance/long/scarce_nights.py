"""The night that the proof of bottlenecks plays, with ample partners, and with one of them scarce."""

import re
from pathlib import Path

from scenarios import catalogue

PEOPLE_PER_S = 3.0
SCARCE_PER_S = 0.75
"""What a scarce provider lets through: a quarter of what is asked, so that the wait is felt within seconds."""
NEAR_S = 0.004
"""The way to a database in the same city: with it a single connection is soon too few."""
FAR_S = 0.12


def ample() -> str:
    """Messages arrive within a second, and the registry answers whoever asks."""
    text = (Path(catalogue.__file__).parent / "nights" / "prakerja-wave-1.toml").read_text()
    for section in ("email", "sms"):
        text = _with(text, f"partners.prepared.{section}", delay_median_s=0.5)
    return _with(text, "partners.prepared.civil_registry", rate_per_s=50.0)


def little_email() -> str:
    return _with(ample(), "partners.prepared.email", rate_per_s=SCARCE_PER_S)


def little_sms() -> str:
    return _with(ample(), "partners.prepared.sms", rate_per_s=SCARCE_PER_S)


def little_registry() -> str:
    return _with(ample(), "partners.prepared.civil_registry", rate_per_s=SCARCE_PER_S)


def near_database() -> str:
    return ample() + _latency(NEAR_S)


def far_database() -> str:
    return ample() + _latency(FAR_S)


def _latency(delay_s: float) -> str:
    fault = {"kind": '"latency"', "target": '"database_link"', "start_s": 0, "end_s": 27, "delay_s": delay_s}
    return "\n[[faults]]\n" + "".join(f"{name} = {value}\n" for name, value in fault.items())


def _with(text: str, section: str, **figures: float) -> str:
    """The night with other figures in one of its sections. Raises ValueError when they are not there."""
    head, name, rest = text.partition(f"[{section}]\n")
    body, end, after = rest.partition("\n[")
    for figure, value in figures.items():
        body, count = re.subn(rf"^{figure} = .*$", f"{figure} = {value}", body, flags=re.MULTILINE)
        if count != 1:
            raise ValueError(f"{section} has no line for {figure}")
    return head + name + body + end + after
