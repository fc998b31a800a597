"""Asking for a one-time code. The code itself is made when the worker hands it to the gateway."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from service.actions.once import Once
from service.applicant_ports import CodeRequest
from service.domain import codes
from service.domain.addresses import channel_of
from service.domain.codes import Channel
from service.domain.errors import NotFound, QueueFull, ResendTooEarly, TooManyCodes
from service.domain.queues import CODE_EXPIRY_S, retry_after_s
from service.ports import Ports, StoredAnswer, Transaction

CHANNEL_WORDS = {Channel.EMAIL: "email", Channel.SMS: "sms"}


@dataclass(frozen=True, slots=True)
class CodeAsked:
    """The same for known and unknown addresses."""

    code_request: UUID
    channel: str
    resend_after_s: float


async def ask_code(ports: Ports, once: Once, address: str, *, principal: bytes = b"") -> StoredAnswer:
    """A code for `address`, in the form in which it is kept. Raises TooManyCodes, QueueFull.

    principal: who asks, as `Once` has it; b"" for somebody who is not signed in.
    An unknown address costs the same work and gets the same answer; its job is dropped at hand-over.
    """
    now = ports.clock.now()
    index = ports.vault.index(address)
    channel = channel_of(address)
    once.principal = principal
    async with ports.begin() as tx:
        account = await tx.accounts.hold_address(address)
        await _check_budget(tx, index, now)
        request = CodeRequest(
            id=uuid4(),
            account_id=None if account is None else account.id,
            channel=channel,
            generation=0,
            sends=1,
            sent_at=now,
            handed_at=None,
            failures=0,
            used_at=None,
            created_at=now,
            address_index=index,
        )
        await tx.codes.add(request)
        await _enqueue(ports, tx, request.id, channel, 1)
        return await once.keep(tx, CodeAsked(request.id, CHANNEL_WORDS[channel], codes.resend_wait_s(1)))


async def ask_again(
    ports: Ports, once: Once, address: str, request_id: UUID, *, principal: bytes = b""
) -> StoredAnswer:
    """One more send for the same request: the same code while it lives. Raises ResendTooEarly, TooManyCodes, QueueFull.

    NotFound when the request is not one for this address, or its code was used.
    """
    now = ports.clock.now()
    once.principal = principal
    async with ports.begin() as tx:
        request = await tx.codes.find(request_id)
        if request is None or request.used_at is not None or request.address_index != ports.vault.index(address):
            raise NotFound("There is no open code request with this id for this address.")
        if request.sends >= codes.MAX_SENDS:
            raise TooManyCodes("Ask for a new code.", retry_after_s=codes.resend_wait_s(request.sends))
        early = codes.resend_wait_s(request.sends) - (now - request.sent_at).total_seconds()
        if early > 0:
            raise ResendTooEarly(retry_after_s=early)
        send = request.sends + 1
        await tx.codes.count_send(request_id, now)
        channel = Channel(request.channel)
        await _enqueue(ports, tx, request_id, channel, send)
        return await once.keep(tx, CodeAsked(request_id, CHANNEL_WORDS[channel], codes.resend_wait_s(send)))


async def _check_budget(tx: Transaction, index: bytes, now: datetime) -> None:
    asked = await tx.codes.recent(index, since=now - timedelta(seconds=codes.DAY_S), most=codes.MOST_PER_DAY)
    wait = codes.budget_wait_s([moment.timestamp() for moment in asked], now.timestamp())
    if wait > 0:
        raise TooManyCodes(retry_after_s=wait)


async def _enqueue(ports: Ports, tx: Transaction, request_id: UUID, channel: Channel, send: int) -> None:
    policy = ports.policy
    limit, rate = policy.sms_queue_limit, policy.sms_rate_per_s
    if channel == Channel.EMAIL:
        limit, rate = policy.email_queue_limit, policy.email_rate_per_s
    queue = CHANNEL_WORDS[channel]
    expires_in = CODE_EXPIRY_S if policy.drop_abandoned_work else None
    added = await tx.queue.enqueue(
        queue, f"{request_id}-{send}", {"code_request": str(request_id)}, limit=limit, expires_in=expires_in
    )
    if not added:
        raise QueueFull(queue=queue, retry_after_s=retry_after_s(limit, rate, ports.chance()))
