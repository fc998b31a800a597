"""The boundary of the web role: each request is measured, each refusal becomes a problem document, nothing leaks."""

import time
import traceback
from collections.abc import Callable, Mapping

import structlog
from starlette.applications import Starlette
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.domain.errors import EffectUnknown, InternalError, LaunchnightError, QueueFull
from service.metrics import ROUTE_CLASSES, STATUS_CLASSES, Metrics
from service.web.problems import send_problem
from service.web.spent import Measured, Spending

CLASS_OF_SEGMENT: Mapping[str, str] = {
    "health": "health",
    "board": "board",
    "place": "place",
    "tickets": "ticket",
    "claims": "ticket",
    "accounts": "step",
    "codes": "step",
    "sessions": "step",
    "identity": "step",
    "profile": "step",
    "phone": "step",
    "waves": "step",
    "grant": "step",
    "assessment": "step",
    "complaints": "step",
    "files": "upload",
    "daftar": "page",
}
"""Route class by the first segment of the path; unknown paths count as "read"."""

PHOTO_PAGES = ("/daftar/foto/", "/daftar/en/foto/")

_log = structlog.get_logger()


def route_class(path: str) -> str:
    if path.startswith("/assessment/answers/"):
        return "answer"
    if path.startswith(PHOTO_PAGES):
        return "upload"  # its time is the phone's
    if path.startswith("/waves/") and "/result" in path:
        return "read"
    return CLASS_OF_SEGMENT.get(path[1:].partition("/")[0], "read")


def status_class(status: int) -> str:
    if status < 400:
        return "2xx"
    if status in (429, 503):
        return str(status)
    return "4xx" if status < 500 else "5xx"


class Application(Starlette):
    """Without the outermost layer of Starlette: what breaks is answered by our boundary."""

    def build_middleware_stack(self) -> ASGIApp:
        app: ASGIApp = ExceptionMiddleware(self.router, handlers=self.exception_handlers)
        for layer, args, kwargs in reversed(self.user_middleware):
            app = layer(app, *args, **kwargs)
        return app


class AnswerCut(Exception):
    """Half an answer is out: the server shall close the connection. It prints this, so what broke is not in it."""


class Boundary:
    """Outermost of ours: measures, answers LaunchnightError as a problem, anything else as 500 without details.

    sort: the class of route, by the path.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, sort: Callable[[str], str] = route_class) -> None:
        self.app = app
        self._sort = sort
        self._seconds = {each: metrics.http_seconds.labels(each) for each in ROUTE_CLASSES}
        self._counts = {
            (each, status): metrics.http_requests.labels(each, status)
            for each in ROUTE_CLASSES
            for status in STATUS_CLASSES
        }
        self._spending = Spending(metrics)
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        answering = self._answer(scope, receive, send)
        measured = Measured(answering) if self._spending.is_due() else None
        try:
            await (answering if measured is None else measured)
        finally:
            lasted = time.perf_counter() - began
            if status := scope.get("answered", 0):  # 0: the client left before it had asked
                kind = self._sort(scope["path"])
                self._seconds[kind].observe(lasted)
                self._counts[kind, status_class(status)].inc()
            if measured is not None:
                self._spending.note(scope, measured.spent, lasted)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def note_status(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope["answered"] = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note_status)
        except Exception as error:
            if not isinstance(error, LaunchnightError):
                report(error, scope)
                error = InternalError()
            count_refusal(self._metrics, error, self._sort(scope["path"]))
            if "answered" in scope:
                raise AnswerCut from None
            await send_problem(error, note_status)


def count_refusal(metrics: Metrics, error: LaunchnightError, kind: str) -> None:
    """A full queue counts whom it turned away, a commit of unknown fate who was told so. kind: the class of route."""
    if isinstance(error, QueueFull):
        metrics.queue_jobs.labels(str(error.facts["queue"]), "refused").inc()
        metrics.http_queue_full.labels(kind).inc()
    if isinstance(error, EffectUnknown):
        metrics.commits_unknown.labels("open").inc()


def report(error: BaseException, scope: Scope) -> None:
    """Log where it broke, never what was being handled: the message of an exception can hold personal data."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-6:]]
    _log.error(
        "request failed",
        error=type(error).__name__,
        where=where,
        route=route_class(scope["path"]),
        method=scope["method"],
    )
