"""Proving that the applicant reads the phone of the account."""

from dataclasses import dataclass
from uuid import UUID

from service.actions import codes
from service.actions.again import idempotent
from service.actions.once import Once
from service.actions.sessions import code_refusal, signed_in
from service.domain.codes import Channel
from service.domain.errors import CodeRefused, NotSignedIn
from service.ports import Ports, StoredAnswer


@dataclass(frozen=True, slots=True)
class PhoneVerified:
    phone_verified: bool


async def ask_phone_code(ports: Ports, once: Once, token_hash: bytes, request_id: UUID | None) -> StoredAnswer:
    """A code for the phone of the account, or one more send of that request. Raises what `actions.codes` does."""
    async with ports.begin(single=True) as tx:
        account = await tx.accounts.find(await signed_in(tx, token_hash))
    if account is None:
        raise NotSignedIn
    if request_id is None:
        return await codes.ask_code(ports, once, account.phone, principal=account.id.bytes)
    return await codes.ask_again(ports, once, account.phone, request_id, principal=account.id.bytes)


@idempotent
async def correct_phone(ports: Ports, token_hash: bytes, phone: str) -> None:
    """Another number for the account of somebody who signed in by e-mail; a verified one stays. Raises AddressTaken.

    Codes that were asked for before are void: one sent to the old number must not verify the new one.
    """
    async with ports.begin() as tx:
        account = await tx.accounts.find(await signed_in(tx, token_hash))
        if account is None:
            raise NotSignedIn
        if account.phone_verified_at is None and account.phone != phone:
            await tx.codes.void(account.id, [ports.vault.index(account.phone)], ports.clock.now())
            await tx.accounts.correct_phone(account.id, phone)


async def verify_phone(ports: Ports, once: Once, token_hash: bytes, request_id: UUID, code: str) -> StoredAnswer:
    """Take a code that was sent to the account's phone. Raises CodeRefused; a wrong code is counted."""
    now = ports.clock.now()
    async with ports.begin() as tx:
        account_id = await signed_in(tx, token_hash)
        once.principal = account_id.bytes
        request = await tx.codes.find(request_id)
        # Somebody else's request answers as one that does not exist.
        if request is None or request.account_id != account_id or request.channel != Channel.SMS:
            raise CodeRefused(reason="wrong")
        refusal = code_refusal(ports.vault, request, code, now)
        if refusal == "wrong":
            once.refusal = CodeRefused(reason=refusal)
            await tx.codes.count_failure(request_id)
        elif not refusal:
            await tx.codes.use(request_id, now)
            first_proof = await tx.accounts.mark_verified(account_id, Channel.SMS, now)
            answer = await once.keep(tx, PhoneVerified(True))
    if refusal:
        raise CodeRefused(reason=refusal)
    if first_proof:
        ports.reached("phone_verified")
    return answer
