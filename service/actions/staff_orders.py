"""What the staff, programs and the shell have done: who may, done once, and on the record with its effect.

The record is written in the transaction of the effect, so there is no effect without it; what is refused is undone, and
written down after. What two people decide is proposed by one, and done when another one confirms it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from service.actions import operations, staff_changes
from service.actions.operations import Done, Order
from service.actions.staff import Actor, entry
from service.actions.staff_changes import FURTHER, plain
from service.domain import staff as rules
from service.domain.errors import DatabaseFailure, IdempotencyKeyReused, LaunchnightError, NotFound
from service.domain.staff import Role
from service.domain.staff_errors import ProposalOver, RoleTooLow, SecondPersonNeeded
from service.ports import Begin, Clock, Transaction, Vault
from service.staff_ports import AuditLine, Proposal

CONFIRM = "confirm"
SHOWN = 50
MOST_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Proposed:
    """Waits for a second person."""

    verb: str
    proposal: UUID
    asked: Mapping[str, object]
    proposed_by: str
    until: datetime
    request: str | None = None
    repeated: bool = False


ORDERS = (*operations.VERBS, *FURTHER)


@dataclass(slots=True)
class Attempt:
    """What is about to be done, as far as it is known when it is refused."""

    verb: str
    asked: dict[str, object] = field(default_factory=dict)
    request: str | None = None


@asynccontextmanager
async def refusals_noted(begin: Begin, by: Actor, attempt: Attempt) -> AsyncIterator[None]:
    """Whatever the block refuses is on the record; of a database in trouble there can be none."""
    try:
        yield
    except DatabaseFailure:
        raise
    except LaunchnightError as refusal:
        detail = {"asked": attempt.asked, "refusal": refusal.code, "why": refusal.detail}
        async with begin(single=True) as tx:
            await tx.staff.note(entry(by, attempt.verb, "refused", attempt.request, **detail))
        raise


async def give(begin: Begin, vault: Vault, clock: Clock, by: Actor, order: Order) -> Done | Proposed:
    """Do it, or propose it where two are needed; once for each request. Refusals are on the record too.

    Raises RoleTooLow, SecondPersonNeeded, OrderRefused, IdempotencyKeyReused, and as `Begin`.
    """
    asked = plain(order.arguments)
    async with refusals_noted(begin, by, Attempt(order.verb, asked, order.request)):
        _demand(by, order.verb)
        async with begin() as tx:
            done, outcome = await _do(tx, vault, clock, by, order)
            await tx.staff.note(entry(by, order.verb, outcome, order.request, asked=asked, **_told(done)))
    return done


async def _do(tx: Transaction, vault: Vault, clock: Clock, by: Actor, order: Order) -> tuple[Done | Proposed, str]:
    """What came of it, and how that is called on the record."""
    if order.request is not None:
        await tx.staff.hold_request(order.request)
        found = await tx.staff.find_request(order.request, by.via, by.who)
        if found is not None:
            return _repeated(found, order), "repeated"
    if rules.RULES[order.verb].two:
        return await _propose(tx, by, order, clock.now()), "proposed"
    if order.verb in FURTHER:
        done = await _change(tx, order, clock.now())
    else:
        # The room's own record knows requests too, those of everybody together.
        scoped = None if order.request is None else f"{by.staff_id or by.via} {order.request}"
        done = await operations.carry_out(tx, vault, clock, replace(order, request=scoped))
        done = replace(done, request=order.request)
    return done, "repeated" if done.repeated else "done" if done.changed else "unchanged"


async def _change(tx: Transaction, order: Order, now: datetime) -> Done:
    changed = await FURTHER[order.verb](tx, order, now)
    return Done(order.verb, bool(changed.after), changed.before, changed.after, order.request)


async def _propose(tx: Transaction, by: Actor, order: Order, now: datetime) -> Proposed:
    if by.staff_id is None:
        raise SecondPersonNeeded("Propose it with a session of your own: a token or a shell is nobody in particular.")
    until = now + timedelta(seconds=rules.CONFIRM_WITHIN_S)
    proposal = Proposal(uuid4(), order.verb, plain(order.arguments), by.staff_id, by.who, now, until, None, None, None)
    await tx.staff.propose(proposal)
    return Proposed(order.verb, proposal.id, proposal.arguments, by.who, until, order.request)


async def confirm(begin: Begin, clock: Clock, by: Actor, proposal_id: UUID) -> Done:
    """Do what somebody else proposed; of what was confirmed already, ProposalOver says so.

    Raises NotFound, RoleTooLow, SecondPersonNeeded, ProposalOver, and as the order itself; then it still stands.
    """
    attempt = Attempt(CONFIRM, {"proposal": str(proposal_id)})
    async with refusals_noted(begin, by, attempt):
        _demand(by, CONFIRM)
        async with begin() as tx:
            proposal = await tx.staff.hold_proposal(proposal_id)
            if proposal is None:
                raise NotFound("There is no such proposal.")
            attempt.verb, now = proposal.verb, clock.now()
            attempt.asked |= {"proposed_by": proposal.proposed_by, **proposal.arguments}
            _demand(by, proposal.verb)
            if by.staff_id is None or by.staff_id == proposal.staff_id:
                raise SecondPersonNeeded(f"{proposal.proposed_by} proposed it: somebody else confirms it.")
            if reason := _over(proposal, now):
                raise ProposalOver(reason=reason)
            done = await _change(tx, Order(by.who, proposal.verb, proposal.arguments), now)
            await tx.staff.confirm(proposal_id, by.staff_id, now)
            await tx.staff.note(entry(by, proposal.verb, "done", None, asked=attempt.asked, **_told(done)))
    return done


def _over(proposal: Proposal, now: datetime) -> str:
    """Why it can be confirmed no more; empty: it can."""
    if proposal.confirmed_at is not None:
        return "done"
    if now >= proposal.until:
        return "expired"
    return "" if proposal.stays else "left"


async def leave_to_two(begin: Begin, clock: Clock, by: Actor, verb: str, asked: Mapping[str, object]) -> None:
    """Before the shell does alone what two people of the staff decide: nobody may who could ask two of them.

    Raises SecondPersonNeeded; on the record either way.
    """
    asked = dict(asked)
    async with refusals_noted(begin, by, Attempt(verb, asked)), begin() as tx:
        staff = [Role(each.role) for each in await tx.staff.lines(clock.now()) if each.ended_at is None]
        if sum(rules.may(role, verb) for role in staff) >= 2:
            raise SecondPersonNeeded(f"Propose it with POST /orders/{verb}, and let somebody else confirm it.")
        await tx.staff.note(entry(by, verb, "begun", None, asked=asked))


async def allow(begin: Begin, by: Actor, verb: str) -> None:
    """Let somebody look. Raises RoleTooLow, which is on the record."""
    async with refusals_noted(begin, by, Attempt(verb)):
        _demand(by, verb)


def _demand(by: Actor, verb: str) -> None:
    if not rules.may(by.role, verb):
        rule = rules.RULES.get(verb)
        if rule is None:
            raise NotFound
        raise RoleTooLow(role=by.role.value, needed=rule.least.value)


def _repeated(found: AuditLine, order: Order) -> Done | Proposed:
    if found.verb != order.verb or found.detail.get("asked") != plain(order.arguments):
        raise IdempotencyKeyReused(f"The request {order.request} was another one: {found.verb}.")
    detail: Mapping[str, Any] = found.detail
    if found.outcome == "proposed":
        until = datetime.fromisoformat(detail["until"])
        return Proposed(found.verb, UUID(detail["proposal"]), detail["asked"], found.who, until, order.request, True)
    changed = found.outcome == "done"
    return Done(found.verb, changed, detail["before"], detail["after"], order.request, repeated=True)


def _told(done: Done | Proposed) -> dict[str, object]:
    if isinstance(done, Proposed):
        return {"proposal": str(done.proposal), "until": done.until.isoformat()}
    return {"before": done.before, "after": done.after}


# What is looked at.


async def audit(begin: Begin, *, before: int | None = None, most: int = SHOWN) -> list[Mapping[str, object]]:
    """The newest first; before: only what is older than the line of this id."""
    async with begin(single=True) as tx:
        lines = await tx.staff.audit(before=before, most=min(most, MOST_SHOWN))
    return [{**asdict(each), "at": each.at.isoformat(timespec="milliseconds")} for each in lines]


async def proposals(begin: Begin, clock: Clock) -> list[Mapping[str, object]]:
    """What waits for a second person."""
    async with begin(single=True) as tx:
        found = await tx.staff.proposals(clock.now())
    return [
        {
            "proposal": str(each.id),
            "verb": each.verb,
            "asked": each.arguments,
            "proposed_by": each.proposed_by,
            "until": each.until.isoformat(timespec="seconds"),
        }
        for each in found
    ]


async def sessions(begin: Begin, clock: Clock) -> list[Mapping[str, object]]:
    """Who is signed in."""
    async with begin(single=True) as tx:
        found = await tx.staff.sessions(clock.now())
    return [
        {
            "session": str(each.id),
            "name": each.name,
            "role": each.role,
            "since": each.created_at.isoformat(timespec="seconds"),
            "expires_at": each.expires_at.isoformat(timespec="seconds"),
        }
        for each in found
    ]


async def waves(begin: Begin, clock: Clock) -> Sequence[Mapping[str, object]]:
    """Hours, seats, quotas and dates of every wave."""
    async with begin(single=True) as tx:
        return await staff_changes.waves(tx, clock.now())


async def queues(begin: Begin) -> Sequence[Mapping[str, object]]:
    """How full each queue is, and the quota that an operator set; null: that of the settings."""
    async with begin(single=True) as tx:
        standings = await tx.queue.standings()
    return [
        {
            "queue": each.queue,
            "used": each.depth,
            "oldest_s": round(each.oldest_age, 1),
            "quota_by_hand_per_s": each.rate_per_s,
            "dead": each.dead,
        }
        for each in standings
    ]
