"""Drawing the places of early comers: the promise beforehand, the draw at the opening, the record afterwards."""

import hmac
from collections.abc import Callable
from hashlib import sha256
from itertools import islice

from service.domain import lottery
from service.domain.lottery_record import Header, member_line
from service.ports import Begin, Transaction, Vault
from service.room_ports import Room


def seed_of(vault: Vault, epoch: int) -> bytes:
    """32 bytes. Made of the master key and the start of the room alone: there is nothing to draw again."""
    return hmac.digest(vault.key("lottery"), b"%d" % epoch, sha256)


async def promise(tx: Transaction, vault: Vault, room: Room) -> None:
    """Put the commitment on the record, unless it stands there. Called where an hour of opening is set, in the same
    transaction: so it is there before the first early ticket."""
    await tx.lottery.commit(room.epoch, lottery.commitment_of(seed_of(vault, room.epoch)))


def is_due(room: Room) -> bool:
    """Whether the hour has come and nobody has opened the room."""
    return room.opens_at is not None and room.opens_in_s <= 0.0 and room.opened_at is None


class Cohort:
    """Who came early in one start of the room, as far as it was read.

    It can be read while people come: after a freeze no number up to it changes any more. So at the opening only those
    are left who came last, and a million people wait no longer for it than a hundred.
    """

    def __init__(self, room: Room) -> None:
        self.epoch = room.epoch
        self._base = room.base
        self._last = room.base
        self._digest = lottery.CohortDigest()

    async def read_on(self, begin: Begin) -> None:
        """Read those who came since. Whoever joins waits for the freeze only, for milliseconds."""
        async with begin() as tx:
            last = await tx.lottery.freeze()
        async with begin() as tx:
            async for page in tx.lottery.members(self._last, last):
                for number, binding in page:
                    self._digest.add(number, binding)
                    self._last = number
        self._last = max(last, self._base)

    async def open(self, begin: Begin, vault: Vault) -> bool:
        """Read the last ones, draw all places, and open the room: one row, whatever the crowd.

        False: another process was quicker, or the hour was moved. What breaks on the way leaves no trace: it is begun
        again, with whoever came meanwhile.
        """
        await self.read_on(begin)
        cohort, digest = self._last - self._base, self._digest.value()
        key = lottery.shuffle_key(seed_of(vault, self.epoch), digest, cohort)
        async with begin(single=True) as tx:
            return await tx.lottery.open(self.epoch, cohort, digest, key)


async def publish(begin: Begin, vault: Vault, write: Callable[[str], object]) -> int:
    """Write the record of the draw, line by line, and with it the seed; how many tickets it names.

    Raises NotDrawn before the opening: who knows the seed then knows the places.
    """
    async with begin() as tx:
        room = await tx.room.read()
        if room.opened_at is None or room.opens_at is None or room.committed_at is None:
            raise NotDrawn
        header = Header(
            epoch=room.epoch,
            base=room.base,
            cohort=room.cohort,
            commitment=(room.commitment or b"").hex(),
            committed_at=room.committed_at.isoformat(),
            opens_at=room.opens_at.isoformat(),
            opened_at=room.opened_at.isoformat(),
            seed=seed_of(vault, room.epoch).hex(),
            cohort_digest=(room.cohort_digest or b"").hex(),
        )
        write(header.line() + "\n")
        places, at, tickets = lottery.places(room.cohort, room.shuffle_high, room.shuffle_low), room.base, 0
        async for page in tx.lottery.members(room.base, room.base + room.cohort):
            for number, binding in page:
                place, at = next(islice(places, number - at - 1, None)), number
                write(member_line(number, room.base + place, binding) + "\n")
            tickets += len(page)
    return tickets


class NotDrawn(Exception):
    """No places were drawn in this start of the room (yet)."""
