"""Giving and correcting the identity data; the civil registry is asked later, through the queue."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

from service.actions.again import idempotent
from service.actions.sessions import signed_in
from service.domain import identity as rules
from service.domain.errors import ChangedMeanwhile, IdentityNumberTaken, IdentitySettled, NoCorrectionsLeft, QueueFull
from service.domain.identity import STATUS_WORDS, IdentityStatus
from service.domain.queues import retry_after_s
from service.ports import Identity, Ports, Transaction


@dataclass(frozen=True, slots=True)
class IdentityGiven:
    check_id: UUID
    status: str
    corrections_left: int


@idempotent
async def put_identity(
    ports: Ports, token_hash: bytes, nik: str, family_card_number: str, birth_date: date
) -> IdentityGiven:
    """Store the data and ask for a check; the same data again give the same answer.

    Raises IdentityNumberTaken, IdentitySettled, NoCorrectionsLeft, QueueFull.
    """
    try:
        return await _put_once(ports, token_hash, nik, family_card_number, birth_date)
    except (ChangedMeanwhile, IdentityNumberTaken):
        # A double press: the other request has stored the same data by now, or this is the next correction. Of two that
        # come in the same moment the index of numbers may tell before that of accounts; whoever else has the number
        # still has it.
        return await _put_once(ports, token_hash, nik, family_card_number, birth_date)


async def _put_once(
    ports: Ports, token_hash: bytes, nik: str, family_card_number: str, birth_date: date
) -> IdentityGiven:
    async with ports.begin() as tx:
        account_id = await signed_in(tx, token_hash)
        held = await tx.identities.find(account_id)
        given = (nik, family_card_number, birth_date)
        if held is not None:
            if (held.nik, held.family_card_number, held.birth_date) == given:
                return _answer(held)
            if held.status == IdentityStatus.MATCH:
                raise IdentitySettled
            if rules.corrections_left(held.version) == 0:
                raise NoCorrectionsLeft
        version = 1 if held is None else held.version + 1
        status = IdentityStatus.PENDING if _old_enough(birth_date, ports) else IdentityStatus.NOT_ELIGIBLE
        identity = Identity(account_id, nik, family_card_number, birth_date, status, version, uuid4())
        await tx.identities.put(identity)
        if status == IdentityStatus.PENDING:
            await _enqueue(ports, tx, identity)
    if version == 1:
        ports.reached("identity_submitted")
    return _answer(identity)


def _old_enough(birth_date: date, ports: Ports) -> bool:
    on = ports.policy.age_on
    years = rules.age_years(birth_date.year, birth_date.month, birth_date.day, on.year, on.month, on.day)
    return years >= rules.LEAST_AGE


async def _enqueue(ports: Ports, tx: Transaction, identity: Identity) -> None:
    limit = ports.policy.identity_queue_limit
    payload = {"account_id": str(identity.account_id), "version": identity.version}
    if not await tx.queue.enqueue("identity", str(identity.check_id), payload, limit=limit):
        wait = retry_after_s(limit, ports.policy.identity_rate_per_s, ports.chance())
        raise QueueFull(queue="identity", retry_after_s=wait)


def _answer(identity: Identity) -> IdentityGiven:
    return IdentityGiven(
        identity.check_id, STATUS_WORDS[IdentityStatus(identity.status)], rules.corrections_left(identity.version)
    )
