"""The test: start, answer, submit. Time is the server's."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.actions.again import idempotent
from service.actions.once import Once
from service.actions.sessions import signed_in
from service.applicant_ports import Assessment
from service.domain import assessment as rules
from service.domain.errors import AssessmentNotStarted, AssessmentOver
from service.ports import Ports, StoredAnswer


@dataclass(frozen=True, slots=True)
class Question:
    number: int
    text: str
    options: tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class StartedAssessment:
    items: tuple[Question, ...]
    deadline_in_s: float


@dataclass(frozen=True, slots=True)
class Submission:
    answered: int


@dataclass(frozen=True, slots=True)
class Progress:
    """`state`: none, running, over (time ran out) or submitted. `answers`: one for each item, -1 = not answered."""

    state: str
    answers: tuple[int, ...]
    left: float
    """Seconds; 0 unless it is running."""

    @property
    def answered(self) -> int:
        return sum(answer != rules.UNANSWERED for answer in self.answers)


QUESTIONS = tuple(Question(number, item.text, item.options) for number, item in enumerate(rules.SHEET, start=1))


async def start(ports: Ports, once: Once, token_hash: bytes) -> StoredAnswer:
    """The questions and the time left. Started once: starting again shows the same clock."""
    now = ports.clock.now()
    async with ports.begin() as tx:
        account_id = await signed_in(tx, token_hash)
        once.principal = account_id.bytes
        deadline = now + timedelta(seconds=rules.DURATION_S)
        assessment = await tx.assessments.start(account_id, now=now, deadline=deadline, items=rules.ITEMS)
        left = max((assessment.deadline - now).total_seconds(), 0.0)
        return await once.keep(tx, StartedAssessment(QUESTIONS, round(left, 1)))


def progress(assessment: Assessment | None, now: datetime) -> Progress:
    if assessment is None:
        return Progress("none", (rules.UNANSWERED,) * rules.ITEMS, 0.0)
    if assessment.submitted_at is not None:
        return Progress("submitted", assessment.answers, 0.0)
    left = (assessment.deadline - now).total_seconds()
    return Progress("running" if left > 0 else "over", assessment.answers, max(left, 0.0))


@idempotent
async def read_progress(ports: Ports, token_hash: bytes) -> Progress:
    """How far the test has come; looking starts nothing. Raises NotSignedIn."""
    async with ports.begin(single=True) as tx:
        assessment = await tx.assessments.find(await signed_in(tx, token_hash))
    return progress(assessment, ports.clock.now())


@idempotent
async def save_answer(ports: Ports, token_hash: bytes, number: int, choice: int) -> None:
    """Keep the answer to item `number` (from 1); it can be changed while there is time.

    Raises NotSignedIn, AssessmentNotStarted, AssessmentOver.
    """
    async with ports.begin(single=True) as tx:
        if await tx.assessments.answer(token_hash, number, choice, now=ports.clock.now()):
            return
        account_id = await signed_in(tx, token_hash)
        if await tx.assessments.find(account_id) is None:
            raise AssessmentNotStarted("Start it by POST /assessment.")
        raise AssessmentOver


async def submit(ports: Ports, once: Once, token_hash: bytes) -> StoredAnswer:
    """End the test; what was saved counts, also after the time. Raises AssessmentNotStarted."""
    async with ports.begin() as tx:
        account_id = await signed_in(tx, token_hash)
        once.principal = account_id.bytes
        assessment = await tx.assessments.hold(account_id)
        if assessment is None:
            raise AssessmentNotStarted("Start it by POST /assessment.")
        points = rules.score(assessment.answers)
        now = ports.clock.now()
        first = await tx.assessments.submit(account_id, score=points, submitted_at=now)
        answer = await once.keep(tx, Submission(progress(assessment, now).answered))
    if first:
        ports.reached("assessed")
    return answer
