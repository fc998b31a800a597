"""Signing in with a one-time code, and knowing who asks."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from service.actions.again import idempotent
from service.actions.once import Once
from service.applicant_ports import CodeRequest
from service.domain import codes
from service.domain.codes import Channel
from service.domain.errors import CodeRefused, NotSignedIn
from service.domain.sessions import session_expires_at
from service.ports import Ports, StoredAnswer, Transaction, Vault

_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class SignedIn:
    token: str
    """Opaque; given once, kept as a hash."""
    account_id: UUID
    expires_in_s: float


def token_hash(token: bytes) -> bytes:
    return sha256(token).digest()


async def signed_in(tx: Transaction, token_hash: bytes) -> UUID:
    """The account whose session it is. Raises NotSignedIn."""
    account_id = await tx.sessions.account_of(token_hash)
    if account_id is None:
        raise NotSignedIn("The session is unknown or over; sign in again.")
    return account_id


def code_refusal(vault: Vault, request: CodeRequest, code: str, now: datetime) -> str:
    """Why `code` is refused for `request`; empty = accepted. A request of an unknown address accepts no code."""
    right = codes.matches(code, codes.derive(vault.key("codes"), request.id, request.generation))
    return codes.refusal(
        -1.0 if request.handed_at is None else request.handed_at.timestamp(),
        now.timestamp(),
        codes.life_s(request.channel),
        request.failures,
        request.used_at is not None,
        right and request.account_id is not None,
    )


async def open_session(ports: Ports, once: Once, request_id: UUID, code: str) -> StoredAnswer:
    """A session for the account of the code request; the address that received the code counts as verified.

    Raises CodeRefused; a wrong code is counted.
    """
    now = ports.clock.now()
    once.principal = b""
    async with ports.begin() as tx:
        request = await tx.codes.find(request_id)
        refusal = "wrong" if request is None else code_refusal(ports.vault, request, code, now)
        if request is not None and request.account_id is not None and not refusal:
            await tx.codes.use(request_id, now)
            first_proof = await tx.accounts.mark_verified(request.account_id, request.channel, now)
            token = secrets.token_urlsafe(_TOKEN_BYTES)
            expires_at = session_expires_at(now, ports.policy.wave_closes_at)
            await tx.sessions.add(token_hash(token.encode()), request.account_id, expires_at)
            answer = await once.keep(
                tx, SignedIn(token, request.account_id, round((expires_at - now).total_seconds(), 3))
            )
        elif request is not None and refusal == "wrong":
            once.refusal = CodeRefused(reason=refusal)
            await tx.codes.count_failure(request_id)
    if refusal:
        raise CodeRefused(reason=refusal)
    if first_proof:
        ports.reached("code_verified")
        if request is not None and request.channel == Channel.SMS:
            ports.reached("phone_verified")
    return answer


@idempotent
async def end_session(ports: Ports, token_hash: bytes) -> None:
    """Whoever has a copy of the token is signed out too."""
    async with ports.begin(single=True) as tx:
        await tx.sessions.end(token_hash)
