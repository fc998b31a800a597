"""What answering costs: processor time by route and by how the request ended, taken of every few requests.

One event loop serves many requests at once, so the time between a request's head and its answer says nothing of the
work in it. What counts is each step of its coroutine, from when the loop takes it up to when it waits again, on the
clock of the thread. Parsing the head, the database's protocol, threads and the loop itself are not in it: the report
shows them as the rest of the process.
"""

from collections.abc import Coroutine, Generator, Mapping
from itertools import product
from time import thread_time
from typing import Any

from starlette.types import Scope

from service.metrics import ANSWER_OUTCOMES, ROUTES, Metrics

EVERY = 5
"""One request of so many is measured: the thread's clock takes 0.8 us a look, twice for each of a request's four or
five steps, which would be 8 us of every request and is 2. Odd, so that requests that come in pairs take turns."""

_OF_FILES: Mapping[str, str] = {
    "POST": "files-create",
    "PATCH": "files-patch",
    "HEAD": "files-head",
    "PUT": "files-put",
}
_OF_SEGMENT: Mapping[str, str] = {
    **{name: name for name in ("board", "place", "tickets", "claims", "accounts", "codes", "sessions")},
    **{name: name for name in ("identity", "profile", "me", "health")},
    "phone": "phone-verification",
    "waves": "join",
}
_OF_ASSESSMENT: Mapping[str, str] = {"": "assessment", "answers": "answers", "submission": "submission"}


def route_of(method: str, path: str) -> str:
    """The route under which the swarm's clients count the same request; pages are one route, and their photos one."""
    first, _, rest = path[1:].partition("/")
    if first == "files":
        return _OF_FILES.get(method, "others")
    if first == "assessment":
        return _OF_ASSESSMENT.get(rest.partition("/")[0], "others")
    if first == "waves" and method == "GET":
        return "others"
    if first == "daftar":
        is_photo = method == "POST" and rest.removeprefix("en/").startswith("foto/")
        return "files-form" if is_photo else "pages"
    return _OF_SEGMENT.get(first, "others")


def outcome_of(status: int, *, left: bool) -> str:
    """How a request ended, in the swarm's words; left: its client was gone before the answer. 0: it never asked."""
    if left or not status:
        return "left"
    if status < 400:
        return "ok"
    if status in (429, 503):
        return "busy"
    return "refused" if status < 500 else "error"


class Measured:
    """Awaits `work` and adds up the processor time of its steps on this thread, in seconds."""

    __slots__ = ("_work", "spent")

    def __init__(self, work: Coroutine[Any, Any, None]) -> None:
        self._work = work
        self.spent = 0.0

    def __await__(self) -> Generator[Any, Any, None]:
        resume: Any = self._work.send
        given: Any = None
        while True:
            began = thread_time()
            try:
                awaited = resume(given)
            except StopIteration:
                return
            finally:
                self.spent += thread_time() - began
            try:
                given = yield awaited
                resume = self._work.send
            except BaseException as thrown:  # a cancellation belongs to the work as well
                resume, given = self._work.throw, thrown


class Spending:
    """Chooses which requests are measured, and counts what they took."""

    def __init__(self, metrics: Metrics) -> None:
        self._turn = 0
        pairs = list(product(ROUTES, ANSWER_OUTCOMES))
        self._requests = {pair: metrics.http_measured.labels(*pair) for pair in pairs}
        self._seconds = {pair: metrics.http_cpu.labels(*pair) for pair in pairs}
        self._times = metrics.http_measured_seconds if metrics.tells_times else None

    def is_due(self) -> bool:
        """Whether the next request is to be measured."""
        self._turn = (self._turn + 1) % EVERY
        return self._turn == 0

    def note(self, scope: Scope, spent: float, lasted: float) -> None:
        """A measured request has ended. `answered` in the scope is its status, `left` stands there if nobody waited.

        spent: its processor time; lasted: from its head to its answer, both in seconds.
        """
        outcome = outcome_of(scope.get("answered", 0), left="left" in scope)
        pair = route_of(scope["method"], scope["path"]), outcome
        self._requests[pair].inc()
        self._seconds[pair].inc(spent)
        if self._times is not None:
            self._times.labels(*pair).observe(lasted)
