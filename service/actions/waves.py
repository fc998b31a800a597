"""Joining the open wave."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from service.actions.once import Once
from service.actions.sessions import signed_in
from service.actions.standing import identity_word, is_assessed
from service.domain.errors import NotEligible, NotFound, NotSignedIn, StepsMissing, WaveClosed, WaveNotOpen
from service.domain.identity import IdentityStatus
from service.domain.photos import refusal_reason
from service.domain.profile import is_complete
from service.domain.waves import PHOTO_SLOTS, JoinDecision, join_decision
from service.ports import Ports, Standing, StoredAnswer, Wave

_RETRY_NOT_OPEN = 60.0  # an opening is announced: who comes hours early need not ask each second


@dataclass(frozen=True, slots=True)
class Joined:
    join_id: UUID
    joined_at: datetime
    identity: str


async def join_wave(ports: Ports, once: Once, token_hash: bytes, wave_id: int) -> StoredAnswer:
    """Join, or find the join there is. The place counts if the identity is a match when the wave freezes.

    Raises NotFound, WaveNotOpen, WaveClosed, NotEligible, StepsMissing.
    """
    now = ports.clock.now()
    async with ports.begin() as tx:
        account_id = await signed_in(tx, token_hash)
        once.principal = account_id.bytes
        standing = await tx.accounts.standing(account_id, wave_id)
        if standing is None:
            raise NotSignedIn
        if standing.wave is None:
            raise NotFound("There is no such wave.")
        fresh = standing.join_id is None
        if fresh:
            _check(standing, standing.wave, now)
        join_id, joined_at = await tx.waves.join(uuid4(), wave_id, account_id, now)
        answer = await once.keep(tx, Joined(join_id, joined_at, identity_word(standing.identity_status)))
    if fresh:
        ports.reached("wave_joined")
    return answer


def _check(standing: Standing, wave: Wave, now: datetime) -> None:
    """Raises what keeps this applicant from joining now."""
    missing = _missing(standing, now)
    decision = join_decision(
        wave.opens_at.timestamp(),
        wave.closes_at.timestamp(),
        now.timestamp(),
        standing.identity_status != IdentityStatus.NOT_ELIGIBLE,
        "assessment" not in missing,
        _photos(standing),
        "phone" not in missing,
    )
    if decision is JoinDecision.NOT_OPEN:
        until = (wave.opens_at - now).total_seconds()
        raise WaveNotOpen(retry_after_s=min(until, _RETRY_NOT_OPEN), opens_in_s=round(until, 1))
    if decision is JoinDecision.CLOSED:
        raise WaveClosed
    if decision is JoinDecision.NOT_ELIGIBLE:
        raise NotEligible
    if missing:
        raise StepsMissing(missing=missing)


def _photos(standing: Standing) -> int:
    """Slots whose photo counts; one that was not inspected yet does."""
    return sum(refusal_reason(photo.verdict) is None for photo in standing.photos)


def _missing(standing: Standing, now: datetime) -> list[str]:
    done = {
        "identity": standing.identity_status >= 0,
        "profile": is_complete(frozenset(standing.profile_steps)),
        "photos": _photos(standing) >= PHOTO_SLOTS,
        "phone": standing.account.phone_verified_at is not None,
        "assessment": is_assessed(standing.assessment, now),
    }
    return [step for step, is_done in done.items() if not is_done]
