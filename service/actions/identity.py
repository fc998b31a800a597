"""Giving and correcting the identity data; the civil registry is asked later, through the queue."""

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID, uuid4

from service.actions.again import idempotent
from service.actions.sessions import signed_in
from service.applicant_ports import Identity
from service.domain import identity as rules
from service.domain.errors import ChangedMeanwhile, IdentityNumberTaken, IdentitySettled, NoCorrectionsLeft, QueueFull
from service.domain.identity import STATUS_WORDS, IdentityStatus
from service.domain.queues import retry_after_s
from service.ports import Ports, Transaction


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
                return given_answer(held)
            if held.status == IdentityStatus.MATCH:
                raise IdentitySettled
            if rules.corrections_left(held.version) == 0:
                raise NoCorrectionsLeft
        version = 1 if held is None else held.version + 1
        identity = await store_identity(ports, tx, account_id, given, version)
    if version == 1:
        ports.reached("identity_submitted")
    return given_answer(identity)


async def store_identity(
    ports: Ports, tx: Transaction, account_id: UUID, given: tuple[str, str, date], version: int = 1
) -> Identity:
    """Store what was given, and ask for its check, in the caller's transaction. given: identity number, family card
    number, birth date. Raises IdentityNumberTaken, ChangedMeanwhile, QueueFull."""
    old_enough = rules.is_old_enough(given[2], ports.policy.age_on)
    status = IdentityStatus.PENDING if old_enough else IdentityStatus.NOT_ELIGIBLE
    identity = Identity(account_id, *given, status, version, uuid4())
    await tx.identities.put(identity)
    if status == IdentityStatus.PENDING:
        await _enqueue(ports, tx, identity)
    elif version > 1 and await _counts_later(tx, account_id, given[2]):  # nobody joins before an identity is given
        await ask_after_all(ports, tx, account_id)
        return replace(identity, status=IdentityStatus.PENDING)
    return identity


async def _counts_later(tx: Transaction, account_id: UUID, born: date) -> bool:
    """Whether somebody has joined a wave for which they are old enough, though not for the day of the settings."""
    day = await tx.waves.joined_age_on(account_id)
    return day is not None and rules.is_old_enough(born, day)


async def ask_after_all(ports: Ports, tx: Transaction, account_id: UUID) -> None:
    """Ask the registry about somebody who was too young before and is old enough for a later wave. Raises QueueFull."""
    if await tx.identities.reopen(account_id):
        identity = await tx.identities.find(account_id)
        assert identity is not None
        await _enqueue(ports, tx, identity)


async def _enqueue(ports: Ports, tx: Transaction, identity: Identity) -> None:
    limit = ports.policy.identity_queue_limit
    payload = {"account_id": str(identity.account_id), "version": identity.version}
    if not await tx.queue.enqueue("identity", str(identity.check_id), payload, limit=limit):
        wait = retry_after_s(limit, ports.policy.identity_rate_per_s, ports.chance())
        raise QueueFull(queue="identity", retry_after_s=wait)


def given_answer(identity: Identity) -> IdentityGiven:
    return IdentityGiven(
        identity.check_id, STATUS_WORDS[IdentityStatus(identity.status)], rules.corrections_left(identity.version)
    )
