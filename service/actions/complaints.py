"""Filing a complaint without signing in, following it, and what operators do with it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from service.actions.again import idempotent
from service.actions.once import Once
from service.actions.staff import at_the_shell, entry
from service.count_ports import Complaint, OpenComplaints
from service.domain import complaints as rules
from service.domain.callers import network_of
from service.domain.complaint_errors import ComplaintSettled, ComplaintsFull, TooManyComplaints
from service.domain.complaints import CATEGORY_WORDS, STATE_WORDS, Category, ComplaintState
from service.domain.errors import NotFound
from service.domain.regencies import regency_name
from service.ports import Begin, Clock, Ports, StoredAnswer, Transaction

_SECRET_BYTES = 16
_EVERYBODY = b""
_SPREAD = 60.0
"""Seconds over which those come back who were refused until the next hour."""


@dataclass(frozen=True, slots=True)
class FiledComplaint:
    """`secret`: given once, for whoever follows it."""

    number: int
    secret: str


@dataclass(frozen=True, slots=True)
class FollowedComplaint:
    """`state`: filed, forwarded (to the labor office of the regency, as its letter `letter_number`) or answered."""

    number: int
    category: str
    regency: int
    regency_name: str
    state: str
    text: str
    filed_at: datetime
    forwarded_at: datetime | None
    letter_number: str | None
    answer: str | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who files: the session of an account, or a network address. Only a keyed index of it is kept, for an hour."""

    session: bytes | None
    address: str


async def file_complaint(
    ports: Ports, once: Once, caller: Caller, category: Category, regency: int, text: str
) -> StoredAnswer:
    """Its number, and a secret to follow it. Raises TooManyComplaints, ComplaintsFull."""
    once.principal = b""
    now = ports.clock.now()
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    async with ports.begin() as tx:
        await _take_budget(ports, tx, caller, now)
        number = await tx.complaints.add(_hash(secret), category, regency, text, now)
        return await once.keep(tx, FiledComplaint(number, secret))


async def _take_budget(ports: Ports, tx: Transaction, caller: Caller, now: datetime) -> None:
    """Everybody's first: all take the two in this order. Raises TooManyComplaints, ComplaintsFull."""
    hour = _hour_of(now)
    wait = (hour + timedelta(seconds=rules.HOUR_S) - now).total_seconds() + ports.chance() * _SPREAD
    taken = await tx.complaints.take_budget(_EVERYBODY, hour, rules.MOST_OF_ALL)
    if not taken:
        raise ComplaintsFull("Nothing was filed. Send it again later.", retry_after_s=wait)
    if taken == 1:
        await tx.complaints.forget_budgets(hour)
    account_id = None if caller.session is None else await tx.sessions.account_of(caller.session)
    if account_id is None:
        name, most = f"complaint address {network_of(caller.address)}", rules.MOST_OF_ADDRESS
    else:
        name, most = f"complaint account {account_id}", rules.MOST_OF_ACCOUNT
    if not await tx.complaints.take_budget(ports.vault.index(name), hour, most):
        raise TooManyComplaints("Nothing was filed. Send it again later.", retry_after_s=wait)


async def forget_callers(begin: Begin, clock: Clock) -> None:
    """Of hours that are over, whether anybody complains in this one or not."""
    async with begin(single=True) as tx:
        await tx.complaints.forget_budgets(_hour_of(clock.now()))


def _hour_of(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


@idempotent
async def open_complaints(ports: Ports) -> OpenComplaints:
    """Those that nobody has answered, by how much of the promised time is over."""
    async with ports.begin(single=True) as tx:
        return await tx.complaints.unanswered(ports.clock.now(), ports.policy.complaint_promise_s)


@idempotent
async def follow_complaint(ports: Ports, number: int, secret: str) -> FollowedComplaint:
    """Where it has come to. Raises NotFound for a wrong number as for a wrong secret."""
    async with ports.begin(single=True) as tx:
        complaint = await tx.complaints.follow(number, _hash(secret))
    if complaint is None:
        raise NotFound("There is no complaint with this number and this secret.")
    return told(complaint)


def told(complaint: Complaint) -> FollowedComplaint:
    letter = complaint.letter
    return FollowedComplaint(
        number=complaint.number,
        category=CATEGORY_WORDS[Category(complaint.category)],
        regency=complaint.regency,
        regency_name=regency_name(complaint.regency),
        state=STATE_WORDS[ComplaintState(complaint.state)],
        text=complaint.text,
        filed_at=complaint.filed_at,
        forwarded_at=complaint.forwarded_at,
        letter_number=None if letter is None else rules.letter_number(complaint.regency, letter),
        answer=complaint.answer,
        answered_at=complaint.answered_at,
    )


async def list_complaints(
    begin: Begin, state: ComplaintState | None, regency: int | None, after: int, most: int
) -> Sequence[FollowedComplaint]:
    """For operators: the next ones after number `after`."""
    async with begin(single=True) as tx:
        return [told(each) for each in await tx.complaints.lines(state, regency, after, most)]


async def forward_complaint(begin: Begin, clock: Clock, who: str, number: int) -> FollowedComplaint:
    """To the labor office of its regency, under the next number of its letters.

    Raises NotFound, ComplaintSettled.
    """
    async with begin() as tx:
        complaint = await _held(tx, number)
        if not rules.may_forward(complaint.state):
            raise ComplaintSettled(state=STATE_WORDS[ComplaintState(complaint.state)])
        await tx.complaints.forward(number, complaint.regency, clock.now())
        await tx.staff.note(entry(at_the_shell(who), "complaint-forward", "done", asked={"number": number}))
        return told(await _held(tx, number))


async def answer_complaint(begin: Begin, clock: Clock, who: str, number: int, text: str) -> FollowedComplaint:
    """Its answer, whether it was forwarded or not. Raises FieldRefused, NotFound, ComplaintSettled."""
    text = rules.complaint_text(text)
    async with begin() as tx:
        complaint = await _held(tx, number)
        if not rules.may_answer(complaint.state):
            raise ComplaintSettled(state=STATE_WORDS[ComplaintState(complaint.state)])
        await tx.complaints.answer(complaint, text, clock.now())
        # The answer stands with the complaint; what is on the record stays for ever, so no words about people.
        await tx.staff.note(entry(at_the_shell(who), "complaint-answer", "done", asked={"number": number}))
        return told(await _held(tx, number))


async def _held(tx: Transaction, number: int) -> Complaint:
    complaint = await tx.complaints.hold(number)
    if complaint is None:
        raise NotFound("There is no complaint of this number.")
    return complaint


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
