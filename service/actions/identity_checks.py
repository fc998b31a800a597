"""Asking the civil registry whether identity data belong to one person."""

from uuid import UUID

from service.domain.identity import IdentityStatus
from service.domain.queues import JobEnd
from service.ports import Ports
from service.queue_ports import Job, JobResult, Turn


async def check_identity(ports: Ports, job: Job, turn: Turn) -> JobResult:
    """Ask about the version that the job names and store the answer; done when it is stored. Raises PartnerError.

    Dropped when there is no such version any more, or it has its answer.
    """
    account_id = UUID(str(job.payload["account_id"]))
    version = job.payload["version"]
    async with ports.begin(single=True) as tx:
        identity = await tx.identities.find(account_id)
        if identity is None or identity.version != version or identity.status != IdentityStatus.PENDING:
            await tx.queue.finish(job)
            return JobResult(JobEnd.DROPPED, ports.clock.now())
    await turn()
    match = await ports.civil_registry.check(
        identity.nik, identity.family_card_number, identity.birth_date, idempotency_key=job.idempotency_key
    )
    outcome = IdentityStatus.MATCH if match else IdentityStatus.MISMATCH
    answered_at = ports.clock.now()
    async with ports.begin() as tx:
        if not await tx.queue.finish(job):  # another worker holds it and will store the answer
            return JobResult(JobEnd.LOST, answered_at)
        news = await tx.identities.answer_check(account_id, identity.version, outcome)
    if news:
        ports.reached("identity_verified" if match else "identity_mismatch")
    return JobResult(JobEnd.DONE, answered_at)
