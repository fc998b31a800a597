"""Serves one page in one language: reads the memory, shows the page or takes a form, answers with HTML or a 303.

Whatever is raised becomes a page here; the boundary outside sees only answers, and measures them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from starlette.types import Receive, Scope, Send

from service.domain.errors import (
    CrossSiteRequest,
    InternalError,
    LaunchnightError,
    MalformedBody,
    MethodNotAllowed,
    NotSignedIn,
)
from service.domain.policy import Policy
from service.domain.sessions import session_expires_at
from service.metrics import Metrics
from service.ports import Ports
from service.web.board import BoardCopy
from service.web.decoding import BodyDecoder
from service.web.http import ClientGone, Rendered, read_form, send_early, send_rendered
from service.web.middleware import count_refusal, report
from service.web.pages.language import Language
from service.web.pages.memory import Memory, MemoryCookies
from service.web.pages.page import Go, Page, View, Visit
from service.web.pages.rendering import Renderer, page_headers, redirect
from service.web.problems import UNREAD, retry_headers, status_of

SIGN_IN = "masuk"
"""Where a visit without a session is led."""
_AFTER_ANSWER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class House:
    """What all pages share."""

    ports: Ports
    board: BoardCopy
    metrics: Metrics
    cookies: MemoryCookies


class PageEndpoint:
    """Serves `page` in the language of `renderer`."""

    def __init__(self, page: Page, language: Language, renderer: Renderer, house: House) -> None:
        self._page = page
        self._language = language
        self._renderer = renderer
        self._house = house
        self._decoders = {name: BodyDecoder(form.body, form.checks) for name, form in page.forms.items()}
        self._takes_forms = bool(page.forms) or page.post is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        cookie = self._house.cookies.of(headers.get(b"host", b""))
        memory = Memory() if self._page.public else cookie.read(headers.get(b"cookie", b""))
        visit = Visit(
            ports=self._house.ports,
            board=self._house.board,
            language=self._language,
            scope=scope,
            receive=receive,
            headers=headers,
            memory=msgspec.structs.replace(memory),
        )
        try:
            answer = await self._answer(visit)
        except ClientGone:
            return
        if visit.memory != memory:
            now = self._house.ports.clock.now()
            answer.headers.append(cookie.header(visit.memory, now, _kept_until(visit.memory, now, visit.ports.policy)))
        if visit.closes or isinstance(visit.refusal, UNREAD):
            early = [*answer.headers, (b"content-length", b"%d" % len(answer.body)), (b"connection", b"close")]
            await send_early(receive, send, answer.status, early, answer.body)
        else:
            await send_rendered(send, answer)

    async def _answer(self, visit: Visit) -> Rendered:
        method = visit.scope["method"]
        try:
            if method in ("GET", "HEAD"):
                return self._shown(await self._page.show(visit), visit)
            if method != "POST" or not self._takes_forms:
                raise MethodNotAllowed
            check_same_origin(visit.headers)
            return await self._posted(visit)
        except NotSignedIn:
            visit.memory.token = ""
            return redirect(self._language.url(SIGN_IN))
        except ClientGone:
            raise
        except Exception as error:
            return self._failed(error, visit)

    async def _posted(self, visit: Visit) -> Rendered:
        try:
            go = await (self._page.post or self._take_form)(visit)
        except NotSignedIn:
            raise
        except LaunchnightError as error:
            count_refusal(self._house.metrics, error, "page")
            visit.refusal = error
            return self._shown(await self._page.show(visit), visit)
        return redirect(self._language.url(go.slug))

    async def _take_form(self, visit: Visit) -> Go:
        visit.typed = await read_form(visit.receive, visit.headers)
        visit.check_sitting(visit.typed.get("once", "").rpartition(".")[0])
        form = self._page.forms.get(visit.typed.get("form", ""))
        if form is None:
            raise MalformedBody("The page has no such form.")
        visit.form = visit.typed["form"]
        also = [] if form.also is None else form.also(visit.typed)
        return await form.act(visit, self._decoders[visit.form].form(visit.typed, also))

    def _shown(self, shown: View | Go, visit: Visit) -> Rendered:
        if isinstance(shown, Go):
            return redirect(self._language.url(shown.slug))
        body = self._renderer.page(shown, visit, self._page.forms.get(visit.form))
        if visit.refusal is None:
            return Rendered(200, page_headers(public=self._page.public, kept=shown.kept), body)
        return Rendered(status_of(visit.refusal), [*page_headers(), *retry_headers(visit.refusal)], body)

    def _failed(self, error: Exception, visit: Visit) -> Rendered:
        """A page of its own. A crash is reported as the boundary would, and tells the applicant no details."""
        if not isinstance(error, LaunchnightError):
            report(error, visit.scope)
            error = InternalError()
        count_refusal(self._house.metrics, error, "page")
        headers = [*page_headers(), *retry_headers(error)]
        if isinstance(error, MethodNotAllowed):
            headers.append((b"allow", b"GET, HEAD, POST" if self._takes_forms else b"GET, HEAD"))
        return Rendered(status_of(error), headers, self._renderer.error(error, visit))


def _kept_until(memory: Memory, now: datetime, policy: Policy) -> datetime:
    """As long as a session lasts; the secret of a complaint a day longer than its answer takes."""
    until = session_expires_at(now, policy.wave_closes_at)
    if not memory.complaint:
        return until
    return max(until, now + timedelta(seconds=policy.complaint_promise_s) + _AFTER_ANSWER)


def check_same_origin(headers: Mapping[bytes, bytes]) -> None:
    """Raises CrossSiteRequest for a form that another site made the browser send.

    A browser that tells neither header sends no SameSite cookie across sites either, or is no browser.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        allowed = site in (b"same-origin", b"none")
    else:
        origin = headers.get(b"origin")
        # "null" is the origin of whoever hides it.
        allowed = origin is None or (b"://" in origin and origin.partition(b"://")[2] == headers.get(b"host"))
    if not allowed:
        raise CrossSiteRequest
