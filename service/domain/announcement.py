"""Telling people what a draw came to: when messages may leave, what they say, what everybody may see when."""

from datetime import datetime
from enum import IntEnum, StrEnum


class Place(IntEnum):
    """What the draw says about a join."""

    CHOSEN = 1
    WAITING = 2
    WITHDRAWN = 3


PLACE_WORDS = {Place.CHOSEN: "chosen", Place.WAITING: "waiting", Place.WITHDRAWN: "withdrawn"}
TOLD = (Place.CHOSEN, Place.WAITING)
"""Who gets a message; whoever withdrew knows."""


class Window(IntEnum):
    """Whether messages of an announcement may leave now."""

    EARLY = 0
    OPEN = 1
    OVER = 2


class WaveState(StrEnum):
    """What everybody may know of a wave."""

    BEFORE = "before"
    OPEN = "open"
    CLOSED = "closed"
    """Nobody joins any more; the draw is to come."""
    ANNOUNCED = "announced"


def window(sms_from: datetime | None, sms_until: datetime | None, now: datetime) -> Window:
    """Messages leave in [sms_from, sms_until); without a date on one side, never before, and for ever."""
    if sms_from is None or now < sms_from:
        return Window.EARLY
    if sms_until is not None and now >= sms_until:
        return Window.OVER
    return Window.OPEN


def wave_state(
    opens_at: datetime,
    closes_at: datetime,
    announce_at: datetime | None,
    published_at: datetime | None,
    now: datetime,
) -> WaveState:
    """A result is shown from announce_at on, and not before every place stands in the database."""
    if published_at is not None and (announce_at is None or now >= announce_at):
        return WaveState.ANNOUNCED
    if now < opens_at:
        return WaveState.BEFORE
    return WaveState.OPEN if now < closes_at else WaveState.CLOSED


def announcement_message(place: Place, wave_id: int) -> str:
    """One SMS in Bahasa Indonesia, without a link and without any run of digits that could pass for a code."""
    if place is Place.CHOSEN:
        return (
            f"Selamat, Anda terpilih di gelombang {wave_id}. Masuk ke akun Anda untuk memilih pelatihan. "
            "Kami tidak pernah meminta uang atau kode."
        )
    return (
        f"Anda ada di daftar tunggu gelombang {wave_id}. Anda boleh ikut gelombang berikutnya tanpa mengisi data lagi. "
        "Kami tidak pernah meminta uang."
    )
