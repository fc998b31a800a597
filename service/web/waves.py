"""`POST /waves/{wave_id}/join`."""

from service.actions import waves as actions
from service.domain import errors
from service.domain.devices import device_of
from service.ports import Ports, StoredAnswer
from service.web.operation import Call, NoBody, Operation

_MOST_ID = 2**31 - 1


def operations(ports: Ports) -> list[Operation]:
    async def join(call: Call) -> StoredAnswer:
        device = device_of(call.headers.get(b"user-agent", b"").decode("latin-1"))
        return await actions.join_wave(ports, call.once, call.session, call.number("wave_id"), device)

    return [
        Operation(
            method="POST",
            path="/waves/{wave_id}/join",
            summary="Join the open wave",
            handler=join,
            body=NoBody,
            answer=actions.Joined,
            status=201,
            session=True,
            once=True,
            numbers={"wave_id": (1, _MOST_ID)},
            errors=(errors.WaveNotOpen, errors.WaveClosed, errors.NotEligible, errors.StepsMissing, errors.QueueFull),
        )
    ]
