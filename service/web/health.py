"""`GET /health/live` and `GET /health/ready`.

Liveness never leaves the process: an overloaded database must not get every replica restarted.
"""

import asyncio

import msgspec

from service.domain.errors import DatabaseUnavailable
from service.ports import Ports
from service.web.operation import Call, Operation

READY_LIMIT = 2.0


class Health(msgspec.Struct):
    status: str


def operations(ports: Ports) -> list[Operation]:
    async def live(_: Call) -> Health:
        return Health("live")

    async def ready(_: Call) -> Health:
        try:
            async with asyncio.timeout(READY_LIMIT), ports.begin(single=True) as tx:
                await tx.room.read()
        except TimeoutError:
            raise DatabaseUnavailable(retry_after_s=READY_LIMIT) from None
        return Health("ready")

    return [
        Operation(method="GET", path="/health/live", summary="The process answers", handler=live, answer=Health),
        Operation(
            method="GET",
            path="/health/ready",
            summary="The database answers",
            handler=ready,
            answer=Health,
            errors=(DatabaseUnavailable,),
        ),
    ]
