"""How far an applicant has come, as the status page shows it."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from service.actions.again import idempotent
from service.actions.assessment import progress
from service.actions.sessions import signed_in
from service.applicant_ports import Assessment, Standing
from service.domain import draws
from service.domain.addresses import masked_phone
from service.domain.eligibility import AT_JOIN, Facts, failed
from service.domain.errors import NotSignedIn
from service.domain.identity import STATUS_WORDS, IdentityStatus, corrections_left, is_old_enough, masked_nik
from service.domain.photos import photo_status, refusal_reason
from service.domain.profile import IN_EDUCATION, is_complete
from service.domain.uploads import Slot
from service.domain.wave_plans import is_announced
from service.domain.waves import PHOTO_SLOTS
from service.ports import Ports, Transaction


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
    """The wave that is open, or the next one. What was done for an earlier wave is there: `missing` names the steps
    that are left, `reasons` the rules that keep out. When both are empty, `POST /waves/{id}/join` is all it takes,
    and `joinable` says that it can be sent now."""

    id: int
    opens_at: datetime
    closes_at: datetime
    joined_at: datetime | None
    joinable: bool
    missing: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MyDraw:
    """The wave that was joined last, or that gave the grant, and what its draw said.

    `outcome`: awaited, chosen, waiting (who moves up when somebody withdraws), withdrawn, or left_out, then `reasons`
    names the rules that were not fulfilled when its list was made; none for a list from before they were kept.
    `rank`: place in the order of the draw.
    """

    wave: int
    ticket: str
    joined_at: datetime
    outcome: str
    rank: int | None
    reasons: tuple[str, ...]


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
    draw: MyDraw | None


@idempotent
async def read_me(ports: Ports, token_hash: bytes) -> Me:
    """The standing of whoever asks; numbers and phone are masked."""
    now = ports.clock.now()
    async with ports.begin(single=True) as tx:
        account_id = await signed_in(tx, token_hash)
        standing = await tx.accounts.standing(account_id, None, now)
        if standing is None:
            raise NotSignedIn
        draw = await _draw(tx, standing, now)
    account, wave = standing.account, standing.wave
    on = ports.policy.age_on if wave is None or wave.age_on is None else wave.age_on
    return Me(
        account_id=account.id,
        name=account.name,
        phone=masked_phone(account.phone),
        email_verified=account.email_verified_at is not None,
        phone_verified=account.phone_verified_at is not None,
        identity=_identity(standing, on),
        profile_steps=standing.profile_steps,
        photos=tuple(
            MyPhoto(Slot(photo.slot).phrase, photo_status(photo.verdict), refusal_reason(photo.verdict))
            for photo in standing.photos
        ),
        assessment=_assessment(standing.assessment, now),
        wave=_wave(standing, on, now),
        draw=draw,
    )


def identity_word(status: int) -> str:
    return "none" if status < 0 else STATUS_WORDS[IdentityStatus(status)]


def is_assessed(assessment: Assessment | None, now: datetime) -> bool:
    """Submitted, or the time is over: then what was saved counts."""
    return assessment is not None and (assessment.submitted_at is not None or now >= assessment.deadline)


def counting_photos(standing: Standing) -> int:
    """Slots whose photo counts; one that was not inspected yet does."""
    return sum(refusal_reason(photo.verdict) is None for photo in standing.photos)


def missing_steps(standing: Standing, now: datetime) -> list[str]:
    """What is left to do before joining."""
    done = {
        "identity": standing.identity_status >= 0,
        "profile": is_complete(frozenset(standing.profile_steps)),
        "photos": counting_photos(standing) >= PHOTO_SLOTS,
        "phone": standing.account.phone_verified_at is not None,
        "assessment": is_assessed(standing.assessment, now),
    }
    return [step for step, is_done in done.items() if not is_done]


def facts_of(standing: Standing, now: datetime) -> Facts:
    """What the rules of the program are asked about, as it stands now."""
    return Facts(
        identity=standing.identity_status,
        confirmed=standing.identity_status == IdentityStatus.MATCH,
        birth_date=standing.birth_date,
        in_education=standing.employment == IN_EDUCATION,
        assessed=is_assessed(standing.assessment, now),
        granted=standing.granted,
        resident="personal" in standing.profile_steps,
    )


def _wave(standing: Standing, on: date, now: datetime) -> MyWave | None:
    wave = standing.wave
    if wave is None:
        return None
    missing = missing_steps(standing, now)
    reasons = failed(facts_of(standing, now), on, AT_JOIN)
    is_open = wave.opens_at <= now < wave.closes_at
    return MyWave(
        id=wave.id,
        opens_at=wave.opens_at,
        closes_at=wave.closes_at,
        joined_at=standing.joined_at,
        joinable=is_open and standing.joined_at is None and not missing and not reasons,
        missing=tuple(missing),
        reasons=reasons,
    )


async def _draw(tx: Transaction, standing: Standing, now: datetime) -> MyDraw | None:
    join = standing.latest
    if join is None:
        return None
    outcome, rank = draws.AWAITED, join.rank
    reasons: tuple[str, ...] = ()
    if not is_announced(join.published_at, join.announce_at, now):
        rank = None
    elif join.outcome is not None:
        outcome = draws.WORDS[draws.Outcome(join.outcome)]
    else:
        outcome = draws.LEFT_OUT
        reasons = tuple(await tx.draws.left_out(join.id))
    return MyDraw(join.wave_id, join.id.hex, join.joined_at, outcome, rank, reasons)


def _identity(standing: Standing, on: date) -> MyIdentity:
    """Who was too young for an earlier wave and is not any more is asked about when joining: pending."""
    version, status = standing.identity_version, standing.identity_status
    born = standing.birth_date
    if status == IdentityStatus.NOT_ELIGIBLE and born is not None and is_old_enough(born, on):
        status = IdentityStatus.PENDING
    return MyIdentity(
        status=identity_word(status),
        nik=None if standing.nik is None else masked_nik(standing.nik),
        corrections_left=corrections_left(max(version, 1)),
    )


def _assessment(assessment: Assessment | None, now: datetime) -> MyAssessment:
    seen = progress(assessment, now)
    return MyAssessment(seen.state, seen.answered, round(seen.left, 1))
