"""The bodies of the orders: `POST /orders/VERB` at the operators' listener."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from service.actions.operations import MOST_MESSAGE
from service.domain.errors import FieldFault, InvalidFields
from service.web.operation import NoBody

Message = Annotated[str, Meta(max_length=MOST_MESSAGE, pattern=r"^[^\x00-\x1f\x7f]*$")]
Rate = Annotated[float, Meta(ge=0.0, le=1e9)]
People = Annotated[int, Meta(ge=0, le=10**9)]
Instant = Annotated[datetime, Meta(tz=True)]
WaveId = Annotated[int, Meta(ge=1, le=10**6)]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Province = Annotated[str, Meta(pattern=r"^[0-9]{2}$")]


class Said(Struct, forbid_unknown_fields=True):
    message: Message | UnsetType = UNSET


class Told(Struct, forbid_unknown_fields=True):
    message: Message


class Rated(Struct, forbid_unknown_fields=True):
    """null: chosen by the gate (rate), that of the settings (limit)."""

    people_per_s: Rate | None


class Crowded(Struct, forbid_unknown_fields=True):
    """0: any number; null: that of the settings."""

    people: People | None


class Switched(Struct, forbid_unknown_fields=True):
    on: bool


class Ended(Struct, forbid_unknown_fields=True):
    ticket: Annotated[int, Meta(ge=1, le=2**62)]


class Scheduled(Struct, forbid_unknown_fields=True):
    """null: no hour of opening. anew: tickets drawn before are ended."""

    opens_at: Instant | None
    anew: bool = False


class Rotated(Struct, forbid_unknown_fields=True):
    forget: bool = False


class Quota(Struct, forbid_unknown_fields=True):
    """null: that of the settings."""

    queue: Annotated[str, Meta(pattern=r"^[a-z_]{1,40}$")]
    rate_per_s: Rate | None


class StaffSession(Struct, forbid_unknown_fields=True):
    session: UUID


class WaveSet(Struct, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    wave: WaveId
    opens_at: Instant | UnsetType = UNSET
    closes_at: Instant | UnsetType = UNSET
    seats: People | UnsetType = UNSET
    quotas: dict[Province, People] | UnsetType = UNSET
    announce_at: Instant | UnsetType | None = UNSET
    sms_from: Instant | UnsetType | None = UNSET
    sms_until: Instant | UnsetType | None = UNSET
    age_on: date | UnsetType | None = UNSET


class WaveClosed(Struct, forbid_unknown_fields=True):
    """Left out: in the moment in which it is confirmed."""

    wave: WaveId
    closes_at: Instant | UnsetType = UNSET


class Publication(Struct, forbid_unknown_fields=True):
    """From what all places follow, as `draw verify` says it, so that both mean the same draw. In hexadecimal."""

    wave: WaveId
    commitment: Digest
    seed: Digest
    withdrawn_sha256: Digest


BODIES: Mapping[str, type[Struct]] = {
    "open": NoBody,
    "pause": Said,
    "close": Said,
    "message": Told,
    "rate": Rated,
    "limit": Rated,
    "inside": Crowded,
    "queue-all": Switched,
    "end-session": Ended,
    "schedule": Scheduled,
    "rotate-keys": Rotated,
}
"""Of the waiting room (docs/operating.md)."""
FURTHER_BODIES: Mapping[str, type[Struct]] = {
    "queue-quota": Quota,
    "wave-set": WaveSet,
    "wave-close": WaveClosed,
    "draw-publish": Publication,
    "end-staff-session": StaffSession,
}
"""Of everything else (docs/operators.md)."""


def arguments_of(body: Struct) -> dict[str, Any]:
    """What was given; what was left out is not there."""
    given = msgspec.structs.asdict(body)
    return {name: _plain(value) for name, value in given.items() if value is not UNSET}


def _plain(value: object) -> object:
    return str(value) if isinstance(value, UUID) else value


def read_instant(text: str, field: str) -> datetime:
    """An instant of a query string, where a plus sign may have come as a blank. Raises InvalidFields."""
    try:
        instant: datetime = msgspec.convert(text.replace(" ", "+"), Instant)
    except msgspec.ValidationError:
        raise InvalidFields([FieldFault(field, "wrong-format", "An instant with its zone.")]) from None
    return instant
