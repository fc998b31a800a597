"""Handing a one-time code to the gateway: here the code is made, and here its life starts."""

from datetime import datetime
from uuid import UUID

from service.applicant_ports import CodeRequest
from service.domain import codes
from service.domain.codes import Channel
from service.domain.messages import code_message
from service.domain.queues import JobEnd
from service.ports import Ports, Transaction
from service.queue_ports import Job, JobResult, Turn


async def hand_over_code(ports: Ports, job: Job, turn: Turn) -> JobResult:
    """Send the code of the job's request; done when the gateway has accepted it. Raises PartnerError.

    Dropped when nobody waits: the code was used, or the address is nobody's.
    """
    request_id = UUID(str(job.payload["code_request"]))
    now = ports.clock.now()
    async with ports.begin() as tx:
        request = await tx.codes.find(request_id)
        to = None
        if request is not None and not (ports.policy.drop_abandoned_work and request.used_at is not None):
            to = await _address(tx, request)
        if request is not None and (to is not None or request.account_id is None):
            # Nobody's address too: a guess at its code is refused as one at anybody's.
            generation = _generation(request, now)
            # Before the send: a fast reader may type the code while we still wait for the gateway's answer.
            await tx.codes.hand_over(request_id, generation=generation, handed_at=now)
    if request is None or to is None:
        return await _finish(ports, job, JobEnd.DROPPED, now)
    code = codes.derive(ports.vault.key("codes"), request_id, generation)
    gateway = ports.email if request.channel == Channel.EMAIL else ports.sms
    # A repeated call must carry the same text, and another generation has another one.
    key = f"{job.idempotency_key}-{generation}"
    await turn()
    await gateway.send(to, code_message(code, request.channel), idempotency_key=key)
    return await _finish(ports, job, JobEnd.DONE, ports.clock.now())


async def _address(tx: Transaction, request: CodeRequest) -> str | None:
    """Where the code goes. None: the address is nobody's."""
    if request.account_id is None:
        return None
    account = await tx.accounts.find(request.account_id)
    if account is None:
        return None
    return account.email if request.channel == Channel.EMAIL else account.phone


def _generation(request: CodeRequest, now: datetime) -> int:
    handed_at = -1.0 if request.handed_at is None else request.handed_at.timestamp()
    life = codes.life_s(request.channel)
    return codes.next_generation(request.generation, handed_at, now.timestamp(), life, request.failures)


async def _finish(ports: Ports, job: Job, end: JobEnd, at: datetime) -> JobResult:
    held = await ports.finish(job)
    return JobResult(end if held else JobEnd.LOST, at)
