"""Handing an invitation to the SMS gateway: here its claim code is made."""

from service.domain.messages import claim_message
from service.domain.paper_states import claim_code, written
from service.domain.queues import JobEnd
from service.paper_ports import Invitee
from service.ports import Ports, Vault
from service.queue_ports import Job, JobResult, Turn


def claim_index(vault: Vault, code: str) -> bytes:
    return vault.index(f"paper claim {code}")


async def invite_person(ports: Ports, job: Job, turn: Turn) -> JobResult:
    """Send the claim code that the job names; done when the gateway has accepted it. Raises PartnerError.

    Dropped when there is an account by now, or another phone: nobody is asked for an account that they have.
    """
    person, generation = int(str(job.payload["paper"])), int(str(job.payload["generation"]))
    code = claim_code(ports.vault.key("paper claims"), person, generation)
    async with ports.begin() as tx:
        invitee = await tx.paper.invitee(person)
        if invitee is None or not _is_wanted(invitee, generation):
            await tx.queue.finish(job)
            return JobResult(JobEnd.DROPPED, ports.clock.now())
        # Before the send: a fast reader may type the code while we still wait for the gateway's answer.
        await tx.paper.hand_over(person, generation, claim_index(ports.vault, code))
    await turn()
    text = claim_message(written(code), invitee.claim_until)
    await ports.announcer.send(invitee.phone, text, idempotency_key=job.idempotency_key)
    at = ports.clock.now()
    async with ports.begin() as tx:
        if not await tx.queue.finish(job):  # another worker holds it, and repeats the call under the same name
            return JobResult(JobEnd.LOST, at)
        await tx.paper.invited(person, generation, at)
    return JobResult(JobEnd.DONE, at)


def _is_wanted(invitee: Invitee, generation: int) -> bool:
    return invitee.generation == generation and invitee.is_asked and not invitee.has_account
