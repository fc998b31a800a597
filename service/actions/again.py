"""A transaction that the database undid is begun once more, here and in no other layer.

Jobs are not repeated here: their queue does it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from service.domain.deadline import ASKER_WAITS_UNTIL
from service.domain.errors import DatabaseFailure, EffectUnknown
from service.ports import Ports

LONGEST_PAUSE = 0.1
"""Seconds, drawn from 0 up: two that stood in each other's way must not meet again, nor all whose connections a
restart has cut connect in one moment. The winner of a conflict is done within milliseconds."""

P = ParamSpec("P")
R = TypeVar("R")
Action = Callable[Concatenate[Ports, P], Coroutine[Any, Any, R]]


async def again(ports: Ports, perform: Callable[[], Awaitable[R]], *, idempotent: bool = False) -> R:
    """What `perform` gives, at the second try where the database undid the first and the budget allows it.

    What has an unknown effect is repeated only if `idempotent`: doing it twice is doing it once.
    """
    try:
        return await perform()
    except DatabaseFailure as failure:
        if not failure.again or (isinstance(failure, EffectUnknown) and not idempotent):
            raise
        pause = LONGEST_PAUSE * ports.chance()
        now = time.monotonic()
        if now + pause > ASKER_WAITS_UNTIL.get():
            raise
        allowed = ports.repeats.take_nowait(now)
        ports.repeated(failure.again, allowed)
        if not allowed:
            raise
    await asyncio.sleep(pause)
    return await perform()


def idempotent(action: Action[P, R]) -> Action[P, R]:
    """An action that reads, or puts what may as well be put twice: it is begun again whatever became of it."""

    @wraps(action)
    async def begun_again(ports: Ports, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await again(ports, lambda: action(ports, *args, **kwargs), idempotent=True)

    return begun_again
