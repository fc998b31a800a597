"""Photos on their way: how long their bytes take on a phone's line, and where they are when it breaks.

The line is that of loadtests/lines.py: bytes reach the service half a round trip after they left the phone, those that
were on the way when it broke never do, and a half-open one is noticed after SILENCE. What was acknowledged is kept, so
a client that resumes sends the rest. The service's place is lent while bytes trickle; its work begins when all are
there.
"""

from typing import Any, NamedTuple

from scenarios.journey_state import Action
from scenarios.networks import SILENCE, Cut, cut_after_s, cut_kind
from scenarios.simulation.compiled import shared, whole
from scenarios.simulation.rows import ANNOUNCED, FARTHER, Phase, clear, has, network_of, set_flag, uploader_of
from scenarios.streams import Purpose, uniform
from scenarios.uploaders import Uploader


class Transfer(NamedTuple):
    """A body on its way: when its phone knows how that ended, and the phase of its timer then."""

    ends_s: float
    phase: int
    sent: int
    """Bytes that left the phone."""


@shared
def photo_size(row: Any, figures: Any, number: int) -> int:
    """Bytes of the picture that she sends now."""
    pictures = figures.pictures
    picture = int(uniform(figures.seed, number, Purpose.IDENTITY_CARD_PHOTO, 0) * pictures)
    if row.photo > 0:
        step = int(uniform(figures.seed, number, Purpose.SELFIE_PHOTO, 0) * (pictures - 1))
        picture = (picture + 1 + step) % pictures
    return int(figures.photo_bytes[(picture + int(row.takes)) % pictures])


@shared
def has_body(row: Any) -> bool:
    """Whether the present request carries a photo's bytes."""
    if row.action == Action.PHOTO_SEND:
        return True
    return row.action == Action.PHOTO_CREATE and uploader_of(row) == Uploader.ONE_SHOT


@shared
def announce(row: Any) -> None:
    """Before a photo is announced, or sent whole: one that was announced before is another picture now."""
    if has(row, ANNOUNCED):
        row.takes = int(row.takes) + 1
    clear(row, ANNOUNCED | FARTHER)
    row.stored = 0


@shared
def send(row: Any, figures: Any, number: int) -> Transfer:
    """Send what the service lacks, and write down what of it will have arrived."""
    network = network_of(row)
    speed = figures.bytes_per_s[network]
    round_trip = figures.round_trip_s[network]
    total = photo_size(row, figures, number)
    size = total - int(row.stored)
    row.photo_sends = whole(row.photo_sends) + 1
    sends = whole(row.photo_sends)
    cut_s = cut_after_s(figures.seed, number, sends, figures.cuts_per_min[network])
    whole_s = size / speed
    if cut_s < 0.0 or cut_s >= whole_s + round_trip:
        return Transfer(round_trip / 2.0 + whole_s, Phase.SENDING + 0, size)
    arrived = min(size, max(0, int(speed * (cut_s - round_trip / 2.0))))
    if row.action == Action.PHOTO_SEND and arrived > 0:
        row.stored = int(row.stored) + arrived
        set_flag(row, FARTHER)
    sent = min(size, int(speed * cut_s))
    broken_s = round_trip / 2.0 + cut_s
    kind = cut_kind(figures.seed, number, sends)
    if kind == Cut.HALF_OPEN:
        return Transfer(broken_s + SILENCE, Phase.HALF_OPEN + 0, sent)
    if kind == Cut.KILLED:
        return Transfer(broken_s, Phase.KILLED + 0, sent)
    return Transfer(broken_s, Phase.RESET + 0, sent)
