"""Paying what is due, to an account of the person's that the partner knows as theirs.

A payment goes on in attempts. Each attempt has one destination and one name at the partner, for ever: as long as nobody
knows what became of it, it is asked again as itself, and whatever the person puts meanwhile, there is no other. Only a
certain refusal ends it; then the next account of the person gets the next attempt, or the payout waits for one.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from service.actions.again import idempotent
from service.actions.sessions import signed_in
from service.actions.training import hold_participant
from service.domain.errors import NoCorrectionsLeft, PartnerError, QueueFull
from service.domain.money import payout_entry
from service.domain.payouts import (
    ACCOUNT_WORDS,
    MOST_VERSIONS,
    PAID,
    AccountStatus,
    Method,
    PayoutState,
    masked_number,
    payment_key,
)
from service.domain.queues import JobEnd, fed_to, retry_after_s
from service.money_ports import Attempt, Payout, PayoutAccount
from service.ports import Ports, Transaction
from service.queue_ports import Job, JobResult, Turn

QUEUE = "payout"
AT_ONCE = 50
"""Payouts that are queued in one transaction, as in service.actions.announcement."""
GOOD = "ok"
"""What the partner says of an account that is the person's."""


@dataclass(frozen=True, slots=True)
class AccountGiven:
    method: str
    number: str
    """Masked."""
    status: str
    reason: str | None = None


@idempotent
async def put_account(ports: Ports, token_hash: bytes, method: Method, number: str) -> AccountGiven:
    """Where the person wants the money from now on; the partner is asked about a number that is new.

    Whoever has begun may do so also after a withdrawal: what fell due before it is still paid.
    number: as `check_number` gives it. Raises NoGrant, NoCorrectionsLeft, QueueFull.
    """
    now = ports.clock.now()
    async with ports.begin() as tx:
        account_id = await signed_in(tx, token_hash)
        if await tx.training.hold(account_id) is None:
            await hold_participant(tx, account_id, now)
        held = {each.method: each for each in await tx.payouts.accounts(account_id)}.get(method)
        if held is not None and held.number == number and held.status is not AccountStatus.REFUSED:
            account = replace(held, put_at=now)
        else:
            account = _next_version(held, method, number, now)
        await tx.payouts.put_account(account_id, account)
        if account.status is AccountStatus.ASKED:
            await _ask_about(ports, tx, account_id, account)
    return given(account)


def _next_version(held: PayoutAccount | None, method: Method, number: str, now: datetime) -> PayoutAccount:
    """Raises NoCorrectionsLeft."""
    version = 1 if held is None else held.version + 1
    if version > MOST_VERSIONS:
        raise NoCorrectionsLeft
    return PayoutAccount(method, number, version, AccountStatus.ASKED, None, now)


def given(account: PayoutAccount) -> AccountGiven:
    return AccountGiven(account.method, masked_number(account.number), ACCOUNT_WORDS[account.status], account.reason)


async def _ask_about(ports: Ports, tx: Transaction, account_id: UUID, account: PayoutAccount) -> None:
    limit = ports.policy.payout_queue_limit
    payload = {"account": str(account_id), "method": str(account.method), "version": account.version}
    name = f"{account_id}-{account.method}-{account.version}"
    if not await tx.queue.enqueue(QUEUE, name, payload, limit=limit):
        raise QueueFull(queue=QUEUE, retry_after_s=retry_after_s(limit, ports.policy.payout_rate_per_s, ports.chance()))


async def queue_payouts(ports: Ports) -> int:
    """Put payouts that are ready into the queue, as far as it has room; how many."""
    limit, queued = fed_to(ports.policy.payout_queue_limit), 0
    async with ports.begin() as tx:
        for payout in await tx.payouts.ready(most=AT_ONCE):
            # Each time another name: the job before may be about to end, and would be taken for this one.
            name = f"{payout.id}-{payout.queued}"
            payload = {"account": str(payout.account_id), "payout": str(payout.id)}
            if not await tx.queue.enqueue(QUEUE, name, payload, limit=limit):
                break
            await tx.payouts.queued(payout.id)
            queued += 1
    return queued


async def work_payout(ports: Ports, job: Job, turn: Turn) -> JobResult:
    """What the queue is for: a payment, or a question about an account. Raises PartnerError."""
    if "payout" in job.payload:
        return await pay(ports, job, turn)
    return await check_account(ports, job, turn)


async def check_account(ports: Ports, job: Job, turn: Turn) -> JobResult:
    """Ask whether an account is the person's, and let payouts go on that waited for one. Raises PartnerError."""
    account_id, method = UUID(str(job.payload["account"])), Method(str(job.payload["method"]))
    version = int(str(job.payload["version"]))
    async with ports.begin() as tx:
        accounts = {(each.method, each.version): each for each in await tx.payouts.accounts(account_id)}
        person = await tx.accounts.find(account_id)
    account = accounts.get((method, version))
    if account is None or account.status is not AccountStatus.ASKED or person is None:
        return await _ended(ports, job)
    await turn()
    try:
        key = f"account-{account_id}-{method}-{version}"
        word = await ports.payouts.check(method, account.number, person.name, idempotency_key=key)
    except PartnerError as error:
        if error.temporary:
            raise
        word = error.reason or "refused"
    now = ports.clock.now()
    async with ports.begin() as tx:
        if not await tx.queue.finish(job):
            return JobResult(JobEnd.LOST, now)
        await tx.training.hold(account_id)
        status, reason = (AccountStatus.GOOD, None) if word == GOOD else (AccountStatus.REFUSED, word)
        judged = await tx.payouts.judge_account(account_id, method, version, status, reason)
        if judged and status is AccountStatus.GOOD:
            await tx.payouts.wake(account_id)
    return JobResult(JobEnd.DONE, now)


async def pay(ports: Ports, job: Job, turn: Turn) -> JobResult:
    """Make the open attempt of a payout, or begin the next one; done when the partner has paid. Raises PartnerError."""
    payout_id, account_id = UUID(str(job.payload["payout"])), UUID(str(job.payload["account"]))
    async with ports.begin() as tx:
        await tx.training.hold(account_id)
        payout = await tx.payouts.find(payout_id)
        attempt = None
        if payout is not None and payout.state is not PayoutState.PAID:
            attempt = await tx.payouts.open_attempt(payout_id) or await _begin_attempt(ports, tx, payout)
    if payout is None or attempt is None:
        return await _ended(ports, job)
    await turn()
    key = payment_key(payout_id, attempt.number)
    try:
        await ports.payouts.pay(attempt.method, attempt.account_number, payout.amount, idempotency_key=key)
    except PartnerError as error:
        if error.temporary:  # not done, or nobody knows: the same attempt again
            raise
        await _refused(ports, payout, attempt, error.reason or "refused")
        return await _ended(ports, job)
    return await _paid(ports, job, payout, attempt)


async def _begin_attempt(ports: Ports, tx: Transaction, payout: Payout) -> Attempt | None:
    """To the account that the person prefers. None: there is no good one, and the payout waits for it."""
    account = await _good_account(tx, payout.account_id)
    if account is None:
        await tx.payouts.set_state(payout.id, PayoutState.WAITS)
        return None
    return await tx.payouts.begin_attempt(payout.id, account, ports.clock.now())


async def _good_account(tx: Transaction, account_id: UUID) -> PayoutAccount | None:
    accounts = await tx.payouts.accounts(account_id)
    return next((each for each in accounts if each.status is AccountStatus.GOOD), None)


async def _refused(ports: Ports, payout: Payout, attempt: Attempt, word: str) -> None:
    """The attempt has failed for certain: its account gets no more money, the payout goes to another one or waits."""
    async with ports.begin() as tx:
        await tx.training.hold(payout.account_id)
        if not await tx.payouts.end_attempt(attempt, word, ports.clock.now()):
            return  # whoever had the job beside us was told the same
        version, refused = attempt.account_version, AccountStatus.REFUSED
        await tx.payouts.judge_account(payout.account_id, attempt.method, version, refused, word)
        other = await _good_account(tx, payout.account_id)
        await tx.payouts.set_state(payout.id, PayoutState.WAITS if other is None else PayoutState.READY)


async def _paid(ports: Ports, job: Job, payout: Payout, attempt: Attempt) -> JobResult:
    now = ports.clock.now()
    async with ports.begin() as tx:
        if not await tx.queue.finish(job):  # whoever holds it now gets the same answer, and books it
            return JobResult(JobEnd.LOST, now)
        await tx.training.hold(payout.account_id)
        news = await tx.payouts.end_attempt(attempt, PAID, now)
        if news:
            await tx.payouts.set_state(payout.id, PayoutState.PAID, now)
            entry = payout_entry(payout.reference, payout.amount, attempt.method)
            await tx.books.add(payout.account_id, entry, now)
    if news:
        ports.reached("paid")
    return JobResult(JobEnd.DONE, now)


async def _ended(ports: Ports, job: Job) -> JobResult:
    """Nobody waits for this job any more."""
    held = await ports.finish(job)
    return JobResult(JobEnd.DROPPED if held else JobEnd.LOST, ports.clock.now())
