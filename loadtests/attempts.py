"""Which of an applicant's requests are first ones, and which repeat a step that was begun before."""

from loadtests.actions import ANSWER, ASKING_CODE, IN_LINE, OF_PHOTOS
from scenarios.journey_state import ANSWERS, Action, State

_PARTS = ANSWERS + 1
_SAME_STEP = {Action.CODE_AGAIN: Action.CODE, Action.PHOTO_HEAD: Action.PHOTO_SEND}
_FIRST_PART = (0, *(int(_SAME_STEP.get(action, action)) * _PARTS for action in Action))
"""By action."""


class Attempts:
    """Of one applicant. A step is an action; each answer of the test, each photo and each of the two codes is one."""

    __slots__ = ("_begun", "_goes_on", "_is_first", "_retries")

    def __init__(self) -> None:
        self._begun = 0
        """A bit for each step that was begun."""
        self._goes_on = False
        """The request before was not yet all that its attempt needs."""
        self._is_first = True
        self._retries = 0

    def is_first(self, state: State, *, more: bool) -> bool:
        """Whether the request that `state` asked for belongs to the first attempt at its step.

        Asked once for each request, in order, before the machine moves on. more: the attempt needs another request.
        """
        if not self._goes_on:
            self._is_first = self._begins(state)
        self._goes_on = more
        return self._is_first

    def _begins(self, state: State) -> bool:
        before, self._retries = self._retries, state.nerves.retries
        if state.action in IN_LINE:  # the line itself says when to ask again
            return state.nerves.retries == before
        step = 1 << step_of(state)
        was_begun, self._begun = self._begun & step, self._begun | step
        return not was_begun


def step_of(state: State) -> int:
    """The step that the state's action is for, as a small number."""
    action = state.action
    step = _FIRST_PART[action]
    if action in OF_PHOTOS:
        step += state.progress.photo
    elif action == ANSWER:
        step += state.progress.answers
    elif action in ASKING_CODE:
        step += state.code.signed_in
    return step
