"""Joining the open wave."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.actions.identity import ask_after_all
from service.actions.once import Once
from service.actions.sessions import signed_in
from service.actions.standing import counting_photos, facts_of, identity_word, missing_steps
from service.applicant_ports import Standing
from service.domain.eligibility import AT_JOIN, PHRASES, failed
from service.domain.errors import NotEligible, NotFound, NotSignedIn, StepsMissing, WaveClosed, WaveNotOpen
from service.domain.grants import TICKET_BYTES
from service.domain.identity import IdentityStatus
from service.domain.waves import JoinDecision, join_decision
from service.ports import Ports, StoredAnswer, Transaction
from service.wave_ports import Wave

_RETRY_NOT_OPEN = 60.0  # an opening is announced: who comes hours early need not ask each second


@dataclass(frozen=True, slots=True)
class Joined:
    """The receipt. ticket: what the draw knows the applicant by, `join_id` without its dashes."""

    join_id: UUID
    ticket: str
    joined_at: datetime
    identity: str


async def join_wave(ports: Ports, once: Once, token_hash: bytes, wave_id: int, device: str) -> StoredAnswer:
    """Join, or find the join there is. The place counts if the identity is a match when the wave freezes.

    Raises NotFound, WaveNotOpen, WaveClosed, NotEligible, StepsMissing, QueueFull.
    """
    now = ports.clock.now()
    async with ports.begin() as tx:
        account_id = await signed_in(tx, token_hash)
        once.principal = account_id.bytes
        standing = await tx.accounts.standing(account_id, wave_id, now)
        if standing is None:
            raise NotSignedIn
        if standing.wave is None:
            raise NotFound("There is no such wave.")
        fresh = standing.join_id is None or standing.joined_at is None
        if standing.join_id is None or standing.joined_at is None:
            joined = await _join(ports, tx, standing, standing.wave, now, device)
        else:
            joined = _receipt(standing.join_id, standing.joined_at, standing.identity_status)
        answer = await once.keep(tx, joined)
    if fresh:
        ports.reached("wave_joined")
    return answer


async def _join(ports: Ports, tx: Transaction, standing: Standing, wave: Wave, now: datetime, device: str) -> Joined:
    account_id = standing.account.id
    await _check(ports, tx, standing, wave, now)
    ticket = UUID(bytes=secrets.token_bytes(TICKET_BYTES))  # all its bits are random, as the draw promises
    join = await tx.waves.join(ticket, wave.id, account_id, now, device)
    if join is None:  # its list was made since we looked
        raise await _closed(tx, wave, now)
    identity = standing.identity_status
    if identity == IdentityStatus.NOT_ELIGIBLE:  # but old enough for this wave
        await ask_after_all(ports, tx, account_id)
        identity = IdentityStatus.PENDING
    return _receipt(*join, identity)


def _receipt(join_id: UUID, joined_at: datetime, identity: int) -> Joined:
    return Joined(join_id, join_id.hex, joined_at, identity_word(identity))


async def _check(ports: Ports, tx: Transaction, standing: Standing, wave: Wave, now: datetime) -> None:
    """Raises what keeps this applicant from joining now."""
    missing = missing_steps(standing, now)
    broken = failed(facts_of(standing, now), wave.age_on or ports.policy.age_on, AT_JOIN)
    decision = join_decision(
        wave.opens_at.timestamp(),
        wave.closes_at.timestamp(),
        now.timestamp(),
        not broken,
        "assessment" not in missing,
        counting_photos(standing),
        "phone" not in missing,
    )
    if decision is JoinDecision.NOT_OPEN:
        until = (wave.opens_at - now).total_seconds()
        raise WaveNotOpen(retry_after_s=min(until, _RETRY_NOT_OPEN), opens_in_s=round(until, 1))
    if decision is JoinDecision.CLOSED:
        raise await _closed(tx, wave, now)
    if decision is JoinDecision.NOT_ELIGIBLE:
        raise NotEligible(reasons=[{"rule": rule, "detail": PHRASES[rule]} for rule in broken])
    if missing:
        raise StepsMissing(missing=missing)


async def _closed(tx: Transaction, wave: Wave, now: datetime) -> WaveClosed:
    """The reason, and where to go on."""
    late = max((now - wave.closes_at).total_seconds(), 0.0)
    following = await tx.waves.following(now)
    if following is None:
        then, next_wave = "The next wave is announced later.", None
    else:
        verb = "is open since" if following.opens_at <= now else "opens at"
        then = f"Wave {following.id} {verb} {following.opens_at.isoformat()}: join it, nothing has to be typed again."
        next_wave = {"id": following.id, "opens_at": following.opens_at, "closes_at": following.closes_at}
    said = f"Wave {wave.id} closed at {wave.closes_at.isoformat()}, {late:.1f} s before this request. {then}"
    return WaveClosed(said, closed_at=wave.closes_at, next_wave=next_wave)
