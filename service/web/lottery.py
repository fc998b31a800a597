"""`GET /board/lottery`: what was said of the draw beforehand, and what came of it. From the board's copy, no SQL."""

from datetime import datetime

import msgspec

from service.domain.errors import DatabaseUnavailable
from service.web.board import BoardCopy, headers
from service.web.http import Rendered
from service.web.idempotency import encode
from service.web.operation import Call, Operation


class Lottery(msgspec.Struct):
    """`commitment`: SHA-256 of the seed, said before the first early ticket. `cohort`: numbers `base` + 1 to `base` +
    `cohort` came before the opening and were drawn; `cohort_digest`: of them and their bindings. Digests in
    hexadecimal. The seed is in the record that is published afterwards."""

    epoch: int
    opens_at: datetime | None
    commitment: str | None
    committed_at: datetime | None
    opened_at: datetime | None
    base: int
    cohort: int
    cohort_digest: str | None


def operations(board: BoardCopy) -> list[Operation]:
    async def show(_: Call) -> Rendered:
        room = board.room
        told = Lottery(
            epoch=room.epoch,
            opens_at=room.opens_at,
            commitment=_hex(room.commitment),
            committed_at=room.committed_at,
            opened_at=room.opened_at,
            base=room.base,
            cohort=room.cohort,
            cohort_digest=_hex(room.cohort_digest),
        )
        return Rendered(200, headers(room), encode(told))

    return [
        Operation(
            method="GET",
            path="/board/lottery",
            summary="The draw of places among those who came before the opening",
            handler=show,
            answer=Lottery,
            errors=(DatabaseUnavailable,),
        )
    ]


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else digest.hex()
