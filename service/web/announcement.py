"""`GET /waves/{wave_id}/result` and `GET /waves/{wave_id}/results/{ticket}`: what everybody polls.

Nobody signs in for them, so a cache may give them to anybody; a ticket says nothing about its holder, and the list of
all of them is published with the draw. Until a wave is announced both are answered from memory, without the database.
"""

import asyncio
import re
import time
from hashlib import sha256
from uuid import UUID

from service.actions import announcement as actions
from service.domain.announcement import WaveState
from service.domain.errors import DatabaseFailure, DatabaseUnavailable, NotFound
from service.money_ports import WaveStanding
from service.ports import Ports
from service.web.http import Rendered
from service.web.idempotency import encode
from service.web.operation import Call, Operation

MOST_ID = 2**31 - 1
_TICKET = "[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""As the published list writes it, or as the receipt does."""
REFRESH = 1.0
"""Seconds for which what the database said of a wave is believed: how late an announcement is shown."""
MOST_WAVES = 100
"""Waves that are remembered; whoever asks for any number must not fill the memory."""
MAX_AGE = {WaveState.BEFORE: 10, WaveState.OPEN: 10, WaveState.CLOSED: 5, WaveState.ANNOUNCED: 60}
"""Seconds for which a cache may give an answer to others. Places change seldom after the announcement."""
STALE = {WaveState.BEFORE: 30, WaveState.OPEN: 30, WaveState.CLOSED: 0, WaveState.ANNOUNCED: 30}
"""Seconds more for which a cache may give an answer while it asks for a new one: not that the draw is still to come,
when half of the country waits for it."""
STALE_IF_ERROR = {WaveState.BEFORE: 3600, WaveState.OPEN: 3600, WaveState.CLOSED: 30, WaveState.ANNOUNCED: 3600}
"""Seconds more for which a cache may give an answer when it cannot get a new one."""


class WaveCopies:
    """What this replica knows of waves. One request at a time looks anew; the others get what was known."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[float, WaveStanding | None]] = {}
        self._looking: dict[int, asyncio.Task[WaveStanding | None]] = {}

    async def find(self, ports: Ports, wave_id: int) -> WaveStanding:
        """Raises NotFound; DatabaseFailure when nothing is known of the wave."""
        now = time.monotonic()
        read_at, wave = self._known.get(wave_id, (-REFRESH, None))
        if now - read_at >= REFRESH:
            wave = await self._look(ports, wave_id, now)
        if wave is None:
            raise NotFound("There is no such wave.")
        return wave

    async def _look(self, ports: Ports, wave_id: int, now: float) -> WaveStanding | None:
        known = self._known.get(wave_id)
        looking = self._looking.get(wave_id)
        if looking is None:
            looking = self._looking[wave_id] = asyncio.create_task(_read(ports, wave_id))
            looking.add_done_callback(lambda _: self._looking.pop(wave_id, None))
        elif known is not None:
            return known[1]
        try:
            wave = await asyncio.shield(looking)
        except DatabaseFailure:
            if known is None:
                raise
            wave = known[1]  # an old answer is better than none
        if wave_id not in self._known and len(self._known) >= MOST_WAVES:
            self._known.clear()
        self._known[wave_id] = (now, wave)
        return wave


async def _read(ports: Ports, wave_id: int) -> WaveStanding | None:
    try:
        return await actions.read_wave(ports, wave_id)
    except NotFound:
        return None


def rendered(result: actions.Result, given: bytes | None) -> Rendered:
    """given: the tags that a cache or a phone holds already (If-None-Match)."""
    body = encode(result)
    tag = b'"%s"' % sha256(body).hexdigest()[:16].encode()
    headers = [
        (b"cache-control", kept(WaveState(result.state))),
        (b"etag", tag),
        (b"cache-tag", b"wave-%d" % result.wave),
    ]
    if given is not None and (given.strip() == b"*" or tag in _tags(given)):
        return Rendered(304, headers, b"")
    return Rendered(200, [(b"content-type", b"application/json"), *headers], body)


def kept(state: WaveState) -> bytes:
    """How long a cache may give an answer about a wave to others."""
    times = (MAX_AGE[state], STALE[state], STALE_IF_ERROR[state])
    return b"public, max-age=%d, stale-while-revalidate=%d, stale-if-error=%d" % times


def is_ticket(text: str) -> bool:
    return re.fullmatch(_TICKET, text) is not None


def _tags(given: bytes) -> set[bytes]:
    return {each.strip().removeprefix(b"W/") for each in given.split(b",")}


def operations(ports: Ports) -> list[Operation]:
    waves = WaveCopies()

    async def show(call: Call) -> Rendered:
        wave = await waves.find(ports, call.number("wave_id"))
        return rendered(actions.result_of(wave, ports.clock.now()), call.headers.get(b"if-none-match"))

    async def show_ticket(call: Call) -> Rendered:
        wave_id, ticket = call.number("wave_id"), UUID(call.word("ticket"))
        result = await actions.result_of_ticket(ports, await waves.find(ports, wave_id), ticket)
        return rendered(result, call.headers.get(b"if-none-match"))

    tag = {"If-None-Match": "the ETag of an answer that you have; 304 says that it still holds"}
    return [
        Operation(
            method="GET",
            path="/waves/{wave_id}/result",
            summary="What is known of a wave, for everybody; may be cached by anybody",
            handler=show,
            answer=actions.Result,
            headers=tag,
            numbers={"wave_id": (1, MOST_ID)},
            errors=(DatabaseUnavailable,),
        ),
        Operation(
            method="GET",
            path="/waves/{wave_id}/results/{ticket}",
            summary="What the draw says about a ticket, once the wave is announced; may be cached by anybody",
            handler=show_ticket,
            answer=actions.Result,
            headers=tag,
            numbers={"wave_id": (1, MOST_ID)},
            words={"ticket": _TICKET},
            errors=(DatabaseUnavailable,),
        ),
    ]
