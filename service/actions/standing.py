"""How far an applicant has come, as the status page shows it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.actions.again import idempotent
from service.actions.assessment import progress
from service.actions.sessions import signed_in
from service.domain.addresses import masked_phone
from service.domain.errors import NotSignedIn
from service.domain.identity import STATUS_WORDS, IdentityStatus, corrections_left, masked_nik
from service.domain.photos import photo_status, refusal_reason
from service.domain.uploads import Slot
from service.ports import Assessment, Ports, Standing


@dataclass(frozen=True, slots=True)
class MyIdentity:
    """`status`: none, pending, match, mismatch or not_eligible."""

    status: str
    nik: str | None
    corrections_left: int


@dataclass(frozen=True, slots=True)
class MyPhoto:
    """`status`: pending (not inspected yet), accepted, or refused for the `reason` wrong-type, unreadable or
    too-many-pixels. A photo sent anew replaces it."""

    slot: str
    status: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class MyAssessment:
    """`state`: none, running, over (time ran out) or submitted."""

    state: str
    answered: int
    deadline_in_s: float


@dataclass(frozen=True, slots=True)
class MyWave:
    id: int
    opens_at: datetime
    closes_at: datetime
    joined_at: datetime | None


@dataclass(frozen=True, slots=True)
class Me:
    account_id: UUID
    name: str
    phone: str
    email_verified: bool
    phone_verified: bool
    identity: MyIdentity
    profile_steps: tuple[str, ...]
    photos: tuple[MyPhoto, ...]
    assessment: MyAssessment
    wave: MyWave | None


@idempotent
async def read_me(ports: Ports, token_hash: bytes) -> Me:
    """The standing of whoever asks; numbers and phone are masked."""
    now = ports.clock.now()
    async with ports.begin(single=True) as tx:
        account_id = await signed_in(tx, token_hash)
        standing = await tx.accounts.standing(account_id, ports.policy.wave_id)
    if standing is None:
        raise NotSignedIn
    account, wave = standing.account, standing.wave
    return Me(
        account_id=account.id,
        name=account.name,
        phone=masked_phone(account.phone),
        email_verified=account.email_verified_at is not None,
        phone_verified=account.phone_verified_at is not None,
        identity=_identity(standing),
        profile_steps=standing.profile_steps,
        photos=tuple(
            MyPhoto(Slot(photo.slot).phrase, photo_status(photo.verdict), refusal_reason(photo.verdict))
            for photo in standing.photos
        ),
        assessment=_assessment(standing.assessment, now),
        wave=None if wave is None else MyWave(wave.id, wave.opens_at, wave.closes_at, standing.joined_at),
    )


def identity_word(status: int) -> str:
    return "none" if status < 0 else STATUS_WORDS[IdentityStatus(status)]


def is_assessed(assessment: Assessment | None, now: datetime) -> bool:
    """Submitted, or the time is over: then what was saved counts."""
    return assessment is not None and (assessment.submitted_at is not None or now >= assessment.deadline)


def _identity(standing: Standing) -> MyIdentity:
    version = standing.identity_version
    return MyIdentity(
        status=identity_word(standing.identity_status),
        nik=None if standing.nik is None else masked_nik(standing.nik),
        corrections_left=corrections_left(max(version, 1)),
    )


def _assessment(assessment: Assessment | None, now: datetime) -> MyAssessment:
    seen = progress(assessment, now)
    return MyAssessment(seen.state, seen.answered, round(seen.left, 1))
