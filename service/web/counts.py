"""`GET /counts`, `GET /counts/regencies`, `GET /counts/regencies/{code}`: how far people came, for everybody to see.

Answered from a copy that a replica reads when somebody asks and the last one is some seconds old: however many ask, the
database is asked once in that time, for some thousand sums.
"""

import asyncio
from datetime import datetime

import structlog

from service.actions import counts as actions
from service.domain.errors import DatabaseUnavailable, NotFound
from service.domain.regencies import REGENCIES
from service.ports import Ports
from service.web.count_views import Headline, OnePlace, Places, Told
from service.web.http import Rendered
from service.web.operation import Call, Operation

KEPT = 5.0
"""Seconds for which the copy is good: with two of the count and ten of a cache nobody reads what is a minute old."""
MOST_AGE = 10
"""Seconds for which caches may keep an answer, the age that it comes with included."""

_log = structlog.get_logger()


class CountsCopy:
    """What this replica read last; whoever asks when it is too old waits for the one reading that is under way."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._told: Told | None = None
        self._tried_at: datetime | None = None
        self._reading: asyncio.Task[None] | None = None
        self.readings = 0
        """How often the database was asked."""

    async def told(self) -> Told:
        """While the database is in trouble the last reading is told, with its age.

        Raises DatabaseUnavailable when there is none, or nobody was counted yet.
        """
        if not self._is_fresh():
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
            await asyncio.shield(self._reading)
        if self._told is None:
            raise DatabaseUnavailable(retry_after_s=KEPT)
        return self._told

    def _is_fresh(self) -> bool:
        return self._tried_at is not None and 0.0 <= self._seconds_since(self._tried_at) < KEPT

    def _seconds_since(self, then: datetime) -> float:
        return (self._ports.clock.now() - then).total_seconds()

    async def _read(self) -> None:
        self.readings += 1
        try:
            counts, now = await actions.read(self._ports.begin), self._ports.clock.now()
            self._told = Told(counts, await actions.announced(self._ports.begin, now), now)
        except Exception as error:  # whatever the database says: the last copy stays, and it is tried again
            _log.warning("counts not read", code=getattr(error, "code", type(error).__name__))
        finally:
            self._tried_at, self._reading = self._ports.clock.now(), None

    def rendered(self, told: Told, body: bytes) -> Rendered:
        headers = [
            (b"content-type", b"application/json"),
            (b"cache-control", b"public, max-age=%d" % MOST_AGE),
            (b"age", b"%d" % max(self._seconds_since(told.read_at), 0.0)),
        ]
        return Rendered(200, headers, body)


def operations(ports: Ports) -> list[Operation]:
    copy = CountsCopy(ports)

    async def headline(_: Call) -> Rendered:
        told = await copy.told()
        return copy.rendered(told, told.headline())

    async def places(_: Call) -> Rendered:
        told = await copy.told()
        return copy.rendered(told, told.places())

    async def place(call: Call) -> Rendered:
        code = call.number("code")
        if code not in REGENCIES:
            raise NotFound("There is no regency or city with this code.")
        told = await copy.told()
        return copy.rendered(told, told.place(code))

    return [
        Operation(
            method="GET",
            path="/counts",
            summary="How many people reached each stage",
            handler=headline,
            answer=Headline,
            errors=(DatabaseUnavailable,),
        ),
        Operation(
            method="GET",
            path="/counts/regencies",
            summary="The same for each regency and city, rounded to five",
            handler=places,
            answer=Places,
            errors=(DatabaseUnavailable,),
        ),
        Operation(
            method="GET",
            path="/counts/regencies/{code}",
            summary="The same for one regency or city",
            handler=place,
            answer=OnePlace,
            numbers={"code": (min(REGENCIES), max(REGENCIES))},
            errors=(DatabaseUnavailable,),
        ),
    ]
