"""Spending the training part of a grant, and what completing a course begins.

Every change of a person's money happens under the lock of that person's row, so two requests at once take turns.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from service.actions.once import Once
from service.actions.sessions import signed_in
from service.domain import money
from service.domain.catalogue import COURSES, affordable
from service.domain.errors import NotFound
from service.domain.money import Entry, Ledger, instalment_due
from service.domain.money_errors import CourseChosen, CourseCompleted, NoGrant, TrainingSpent
from service.domain.payouts import AccountStatus, PayoutState
from service.money_ports import Choice, Grant, Participant, Payout
from service.ports import Ports, StoredAnswer, Transaction

AT_ONCE = 50
"""Participants whose instalments are booked in one transaction: it holds their rows."""


@dataclass(frozen=True, slots=True)
class Chosen:
    course: str
    price: int
    left: int
    """Rupiah that may still be spent on courses."""


@dataclass(frozen=True, slots=True)
class Completed:
    course: str
    completed_at: datetime


async def grant_of(tx: Transaction, account_id: UUID, now: datetime) -> Grant:
    """Raises NoGrant, also when it was withdrawn, or its wave is not announced yet."""
    grant = await tx.training.grant(account_id, now)
    if grant is None or grant.withdrawn_at is not None:
        raise NoGrant
    return grant


async def hold_participant(tx: Transaction, account_id: UUID, now: datetime) -> Participant:
    """The participant, locked; whoever comes for the first time gets the training part booked. Raises NoGrant."""
    await grant_of(tx, account_id, now)
    if await tx.training.begin(account_id, now):
        await tx.books.add(account_id, money.TRAINING_ENTRY, now)
    participant = await tx.training.hold(account_id)
    assert participant is not None
    return participant


async def choose_course(ports: Ports, once: Once, token_hash: bytes, course_id: str) -> StoredAnswer:
    """Choose one course more. Raises NotFound, NoGrant, CourseChosen, TrainingSpent."""
    now = ports.clock.now()
    course = COURSES.get(course_id)
    async with ports.begin() as tx:
        account_id = await signed_in(tx, token_hash)
        once.principal = account_id.bytes
        if course is None:
            raise NotFound("There is no such course.")
        await hold_participant(tx, account_id, now)
        left = money.balances(await tx.books.entries(account_id))[Ledger.TRAINING]
        first = left == money.TRAINING
        if not await tx.training.choose(account_id, Choice(course.id, course.price, now)):
            raise CourseChosen
        if not affordable(course, left):
            raise TrainingSpent(left=left, price=course.price)
        await tx.books.add(account_id, money.course_entry(course.id, course.price), now)
        answer = await once.keep(tx, Chosen(course.id, course.price, left - course.price))
    if first:
        ports.reached("training_chosen")
    return answer


async def complete_course(
    ports: Ports, once: Once, token_hash: bytes, course_id: str, certificate: str
) -> StoredAnswer:
    """Say that a chosen course was completed, by the number on its certificate; the same again is the same.

    How its letters are typed makes no other certificate of it. With the first one the instalments begin to fall due.
    Raises NotFound, NoGrant, CourseCompleted, CertificateTaken.
    """
    now, certificate = ports.clock.now(), certificate.upper()
    async with ports.begin() as tx:
        account_id = await signed_in(tx, token_hash)
        once.principal = account_id.bytes
        participant = await hold_participant(tx, account_id, now)
        choice = {each.course: each for each in await tx.training.choices(account_id)}.get(course_id)
        if choice is None:
            raise NotFound("This course was not chosen.")
        if choice.completed_at is None:
            await tx.training.complete(account_id, course_id, certificate, now)
        elif choice.certificate != certificate:
            raise CourseCompleted
        if participant.completed_at is None:
            await tx.training.schedule(account_id, now, 0, instalment_due(now, 1))
        return await once.keep(tx, Completed(course_id, choice.completed_at or now))


async def book_instalments(ports: Ports) -> int:
    """Book instalments that are due, each participant's next one; how many."""
    now = ports.clock.now()
    async with ports.begin() as tx:
        participants = await tx.training.due(now, most=AT_ONCE)
        for each in participants:
            assert each.completed_at is not None
            number = each.instalments + 1
            await owe(tx, each.account_id, money.instalment_entry(number), now)
            due_at = instalment_due(each.completed_at, number + 1)
            await tx.training.schedule(each.account_id, each.completed_at, number, due_at)
    return len(participants)


async def owe(tx: Transaction, account_id: UUID, entry: Entry, now: datetime) -> None:
    """Book what somebody is owed, and a payout of it; once. The participant is held."""
    if not await tx.books.add(account_id, entry, now):
        return
    good = any(each.status is AccountStatus.GOOD for each in await tx.payouts.accounts(account_id))
    state = PayoutState.READY if good else PayoutState.WAITS
    await tx.payouts.add(Payout(uuid4(), account_id, money.reference_of(entry), entry.amount, state, now, None))
