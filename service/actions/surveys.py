"""Answering the surveys about work after training."""

from collections.abc import Mapping

from service.actions.again import idempotent
from service.actions.sessions import signed_in
from service.actions.training import hold_participant, owe
from service.domain.errors import NotFound
from service.domain.money import SURVEYS, survey_entry
from service.domain.money_errors import SurveyAnswered, SurveyNotOpen, TrainingNotCompleted
from service.domain.surveys import opens_at
from service.money_ports import SurveyAnswer
from service.ports import Ports

_RETRY_AFTER_MOST = 86_400.0


@idempotent
async def answer_survey(ports: Ports, token_hash: bytes, number: int, answers: Mapping[str, object]) -> None:
    """Keep the answers to survey `number`, and owe what it pays, once; the same answers again are the same.

    Raises NotFound, NoGrant, TrainingNotCompleted, SurveyNotOpen, SurveyAnswered.
    """
    now = ports.clock.now()
    async with ports.begin() as tx:
        account_id = await signed_in(tx, token_hash)
        if not 1 <= number <= SURVEYS:
            raise NotFound("There is no such survey.")
        participant = await hold_participant(tx, account_id, now)
        opens = opens_at(participant.completed_at, number)
        if opens is None:
            raise TrainingNotCompleted
        if now < opens:
            wait = (opens - now).total_seconds()
            raise SurveyNotOpen(retry_after_s=min(wait, _RETRY_AFTER_MOST), opens_at=opens.isoformat())
        if await tx.training.answer(account_id, SurveyAnswer(number, answers, now)):
            await owe(tx, account_id, survey_entry(number), now)
            return
        (before,) = [each for each in await tx.training.answers(account_id) if each.number == number]
        if before.answers != answers:
            raise SurveyAnswered
