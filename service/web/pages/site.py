"""The table of pages and the routes made from it, in both languages."""

from collections.abc import Callable

from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from service.actions.upload_writers import Writers
from service.domain.errors import NotFound, Overloaded
from service.metrics import Metrics
from service.ports import Ports
from service.settings import Settings
from service.web.board import BoardCopy
from service.web.http import Headers, send_rendered
from service.web.pages import (
    account,
    assessment,
    code,
    complaint,
    counts,
    identity,
    invitation,
    joining,
    leaving,
    line,
    office,
    phone,
    photos,
    profile,
    result,
    returning,
    start,
    status,
)
from service.web.pages.assets import Assets
from service.web.pages.endpoint import House, PageEndpoint
from service.web.pages.language import languages
from service.web.pages.memory import Memory, MemoryCookies, is_loopback
from service.web.pages.page import Page, View, Visit
from service.web.pages.rendering import Renderer, page_headers, redirect


def pages(ports: Ports, metrics: Metrics, writers: Writers, settings: Settings) -> list[Page]:
    """Every page, in the order in which an applicant meets them."""
    return [
        start.PAGE,
        line.PAGE,
        account.PAGE,
        code.PAGE,
        returning.PAGE,
        status.PAGE,
        identity.page(ports),
        invitation.page(ports),
        *profile.PAGES,
        *photos.pages(metrics, writers, settings.photo_max_bytes),
        *phone.PAGES,
        *assessment.PAGES,
        joining.PAGE,
        leaving.PAGE,
        *office.PAGES,
        *result.pages(),
        *counts.pages(ports),
        *complaint.PAGES,
    ]


def memory_cookies(ports: Ports, settings: Settings) -> MemoryCookies:
    """A listener on loopback has a cookie that works over http."""
    return MemoryCookies(ports.vault, loopback=is_loopback(settings.host))


def routes(ports: Ports, board: BoardCopy, metrics: Metrics, writers: Writers, settings: Settings) -> list[Route]:
    house = House(ports, board, metrics, memory_cookies(ports, settings))
    assets = Assets()
    indonesian, english = languages()
    found = [*assets.routes]
    table = [*pages(ports, metrics, writers, settings), _UNKNOWN]
    for language, twin in ((english, indonesian), (indonesian, english)):
        renderer = Renderer(language, twin, assets)
        found.append(Route(language.prefix.rstrip("/"), _Elsewhere(language.prefix)))
        for page in table:
            found.append(Route(language.prefix + page.slug, PageEndpoint(page, language, renderer, house)))
    return found


def full_house(ports: Ports, board: BoardCopy) -> Callable[[str], tuple[Headers, bytes]]:
    """The page for those who are turned away at the door, by the path they asked for: rendered once."""
    assets = Assets()
    indonesian, english = languages()
    made = {}
    for language, twin in ((english, indonesian), (indonesian, english)):
        visit = Visit(
            ports=ports,
            board=board,
            language=language,
            scope={"path": language.prefix},
            receive=_nothing,
            headers={},
            memory=Memory(),
        )
        made[language.prefix] = Renderer(language, twin, assets).error(Overloaded(), visit)

    def of(path: str) -> tuple[Headers, bytes]:
        return page_headers(), made[english.prefix if path.startswith(english.prefix) else indonesian.prefix]

    return of


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


class _Elsewhere:
    """Leads to the address that was meant."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_rendered(send, redirect(self._address))


async def _unknown(_: Visit) -> View:
    raise NotFound


_UNKNOWN = Page(slug="{rest:path}", show=_unknown)
