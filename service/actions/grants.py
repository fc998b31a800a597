"""What a participant sees of a grant: the training part, courses, instalments, surveys, accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from service.actions.again import idempotent
from service.actions.payouts import AccountGiven, given
from service.actions.sessions import signed_in
from service.domain import money
from service.domain.catalogue import COURSES
from service.domain.money import Entry, Kind, Ledger, instalment_due
from service.domain.money_errors import NoGrant
from service.domain.payouts import PAYOUT_WORDS
from service.domain.surveys import opens_at
from service.money_ports import Choice, Participant, Payout, SurveyAnswer
from service.ports import Ports


@dataclass(frozen=True, slots=True)
class MyCourse:
    course: str
    title: str
    price: int
    chosen_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class MyInstalment:
    """state: locked (a course must be completed first), upcoming, due, account_needed or paid."""

    number: int
    amount: int
    state: str
    due_at: datetime | None
    paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class MySurvey:
    """state: locked, upcoming, open, and once it was answered due, account_needed or paid."""

    number: int
    amount: int
    state: str
    opens_at: datetime | None
    answered_at: datetime | None
    paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class MyGrant:
    """Rupiah. state: granted, or withdrawn: then nothing new falls due."""

    wave: int
    state: str
    granted_at: datetime
    grant: int
    training_left: int
    received: int
    courses: Sequence[MyCourse]
    instalments: Sequence[MyInstalment]
    surveys: Sequence[MySurvey]
    accounts: Sequence[AccountGiven]


@idempotent
async def read_grant(ports: Ports, token_hash: bytes) -> MyGrant:
    """Raises NoGrant when there never was one, or its wave is not announced yet."""
    now = ports.clock.now()
    async with ports.begin() as tx:
        account_id = await signed_in(tx, token_hash)
        grant = await tx.training.grant(account_id, now)
        if grant is None:
            raise NoGrant
        participant = await tx.training.find(account_id)
        entries = await tx.books.entries(account_id)
        choices = await tx.training.choices(account_id)
        answers = {each.number: each for each in await tx.training.answers(account_id)}
        payouts = {each.reference: each for each in await tx.payouts.of_person(account_id)}
        accounts = await tx.payouts.accounts(account_id)
    completed_at = None if participant is None else participant.completed_at
    return MyGrant(
        wave=grant.wave_id,
        state="granted" if grant.withdrawn_at is None else "withdrawn",
        granted_at=grant.granted_at,
        grant=money.GRANT,
        training_left=_left(participant, entries),
        received=sum(each.amount for each in entries if each.kind is Kind.PAYOUT),
        courses=[_course(each) for each in choices],
        instalments=[_instalment(number, completed_at, payouts) for number in range(1, money.INSTALMENTS + 1)],
        surveys=[_survey(number, completed_at, answers, payouts, now) for number in range(1, money.SURVEYS + 1)],
        accounts=[given(each) for each in accounts],
    )


def _left(participant: Participant | None, entries: Sequence[Entry]) -> int:
    """Whoever has not begun yet has all of it."""
    return money.TRAINING if participant is None else money.balances(entries)[Ledger.TRAINING]


def _course(choice: Choice) -> MyCourse:
    course = COURSES.get(choice.course)
    title = choice.course if course is None else course.title  # it was taken out of the catalogue since
    return MyCourse(choice.course, title, choice.price, choice.chosen_at, choice.completed_at)


def _instalment(number: int, completed_at: datetime | None, payouts: Mapping[str, Payout]) -> MyInstalment:
    payout = payouts.get(money.reference_of(money.instalment_entry(number)))
    due_at = None if completed_at is None else instalment_due(completed_at, number)
    state = "locked" if due_at is None else "upcoming"
    if payout is not None:
        state = PAYOUT_WORDS[payout.state]
    return MyInstalment(number, money.INSTALMENT, state, due_at, None if payout is None else payout.paid_at)


def _survey(
    number: int,
    completed_at: datetime | None,
    answers: Mapping[int, SurveyAnswer],
    payouts: Mapping[str, Payout],
    now: datetime,
) -> MySurvey:
    payout = payouts.get(money.reference_of(money.survey_entry(number)))
    opens = opens_at(completed_at, number)
    state = "locked" if opens is None else "upcoming" if now < opens else "open"
    if payout is not None:
        state = PAYOUT_WORDS[payout.state]
    answered_at = answers[number].answered_at if number in answers else None
    paid_at = None if payout is None else payout.paid_at
    return MySurvey(number, money.SURVEY, state, opens, answered_at, paid_at)
