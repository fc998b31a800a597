"""What the operators' actions ask of the waiting room's rows (beside `service/room_ports.py`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Wanted:
    """What operators can set."""

    wanted: str
    """open, paused or closed"""
    queue_all: bool
    fixed_rate_per_s: float | None
    """None: chosen from the stages behind the gate."""
    hard_rate_per_s: float | None
    """None: that of the settings."""
    inside_limit: int | None
    """0: any number; None: that of the settings."""
    message: str
    opens_at: datetime | None
    key_id: int
    oldest_key_id: int


@dataclass(frozen=True, slots=True)
class RoomEvent:
    """One change: who, when, what, before and after."""

    id: int
    at: datetime
    who: str
    verb: str
    detail: Mapping[str, object]
    request: str | None


class OperationStore(Protocol):
    """Each method after `room.hold` is called in its transaction."""

    async def put(self, wanted: Wanted) -> None: ...
    async def start_anew(self) -> None:
        """A new start (epoch) of the room: tickets drawn before are refused, nobody of the new ones is invited."""

    async def end_session(self, number: int) -> bool:
        """Revoke the ticket, end its pass, sign its account out. False: it was ended before."""

    async def bind(self, stage: str) -> None:
        """Remember by which stage the chosen rate is bound; empty: by none."""

    async def binding(self) -> str: ...
    async def add_event(self, who: str, verb: str, detail: Mapping[str, object], request: str | None) -> RoomEvent: ...
    async def find_event(self, request: str) -> RoomEvent | None: ...
    async def events(self, *, most: int) -> Sequence[RoomEvent]:
        """The newest first."""
