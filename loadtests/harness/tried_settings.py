"""Settings of the service that a rehearsal tries instead of their defaults: `--service DATABASE_CONNECTIONS=4`.

What the night decides (rates of partners, bounds of queues, the wave) and what a rehearsal needs (addresses, keys) is
not tried: the record would say one thing and the run play another, or tell a secret. Whether the service knows a name
it says itself.
"""

import re
from collections.abc import Iterable

PREFIX = "REGISTRATION_"
OF_THE_NIGHT = (
    "CIVIL_REGISTRY_RATE", "EMAIL_RATE", "SMS_RATE", "IDENTITY_QUEUE_LIMIT", "EMAIL_QUEUE_LIMIT", "SMS_QUEUE_LIMIT",
    "WAITING_ROOM", "GATE_RATE", "WAVE_OPENS_AT", "WAVE_CLOSES_AT", "AGE_ON",
)  # fmt: skip
OF_THE_REHEARSAL = (
    "SECRET_KEY", "HOST", "PORT", "METRICS_HOST", "METRICS_PORT", "PHOTO_DIR", "PARTNERS_URL", "SYNTHETIC_PEOPLE",
    "RESUMABLE_UPLOADS", "ANNOUNCEMENT_RATE", "PAYOUT_RATE",
)  # fmt: skip
SECRETS = ("OPERATOR_TOKEN",)
_PAIR = re.compile(r"(?:REGISTRATION_)?([A-Z][A-Z0-9_]*)=(.*)", re.DOTALL)


def read(given: Iterable[str], faults: list[str]) -> dict[str, str]:
    """Name without prefix -> value, of each `NAME=VALUE`; what cannot be tried is added to `faults`."""
    tried: dict[str, str] = {}
    for text in given:
        pair = _PAIR.fullmatch(text)
        if pair is None:
            faults.append(f"--service: must be NAME=VALUE, such as DATABASE_CONNECTIONS=4, not {text!r}")
        elif pair[1] in OF_THE_NIGHT:
            faults.append(f"--service: {pair[1]} is the night's: change its file, or its set of partners")
        elif pair[1] in OF_THE_REHEARSAL:
            faults.append(f"--service: {pair[1]} is the rehearsal's own")
        elif pair[1] in SECRETS:
            faults.append(f"--service: {pair[1]} would stand in the record of the run")
        elif pair[1] in tried:
            faults.append(f"--service: {pair[1]} is given twice")
        else:
            tried[pair[1]] = pair[2]
    return tried


def as_variables(tried: dict[str, str]) -> dict[str, str]:
    """What the service reads."""
    return {f"{PREFIX}{name}": value for name, value in tried.items()}
