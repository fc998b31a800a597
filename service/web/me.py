"""`GET /me`."""

from service.actions import standing
from service.ports import Ports
from service.web.operation import Call, Operation


def operations(ports: Ports) -> list[Operation]:
    async def read(call: Call) -> standing.Me:
        return await standing.read_me(ports, call.session)

    return [
        Operation(
            method="GET",
            path="/me",
            summary="How far you have come; numbers are masked",
            handler=read,
            answer=standing.Me,
            session=True,
        )
    ]
