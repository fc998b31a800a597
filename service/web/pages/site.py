"""The table of pages and the routes made from it, in both languages."""

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from service.domain.errors import NotFound
from service.metrics import Metrics
from service.ports import Ports
from service.settings import Settings
from service.web.board import BoardCopy
from service.web.http import send_rendered
from service.web.pages import (
    account,
    assessment,
    code,
    identity,
    joining,
    leaving,
    line,
    phone,
    photos,
    profile,
    returning,
    start,
    status,
)
from service.web.pages.assets import Assets
from service.web.pages.endpoint import House, PageEndpoint
from service.web.pages.language import languages
from service.web.pages.memory import MemoryCookies, is_loopback
from service.web.pages.page import Page, View, Visit
from service.web.pages.rendering import Renderer, redirect


def pages(ports: Ports, metrics: Metrics, settings: Settings) -> list[Page]:
    """Every page, in the order in which an applicant meets them."""
    return [
        start.PAGE,
        line.PAGE,
        account.PAGE,
        code.PAGE,
        returning.PAGE,
        status.PAGE,
        identity.page(ports),
        *profile.PAGES,
        *photos.pages(metrics, settings.photo_max_bytes),
        *phone.PAGES,
        *assessment.PAGES,
        joining.PAGE,
        leaving.PAGE,
    ]


def routes(ports: Ports, board: BoardCopy, metrics: Metrics, settings: Settings) -> list[Route]:
    """A listener on loopback has a cookie that works over http."""
    house = House(ports, board, metrics, MemoryCookies(ports.vault, loopback=is_loopback(settings.host)))
    assets = Assets()
    indonesian, english = languages()
    found = [*assets.routes]
    table = [*pages(ports, metrics, settings), _UNKNOWN]
    for language, twin in ((english, indonesian), (indonesian, english)):
        renderer = Renderer(language, twin, assets)
        found.append(Route(language.prefix.rstrip("/"), _Elsewhere(language.prefix)))
        for page in table:
            found.append(Route(language.prefix + page.slug, PageEndpoint(page, language, renderer, house)))
    return found


class _Elsewhere:
    """Leads to the address that was meant."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send_rendered(send, redirect(self._address))


async def _unknown(_: Visit) -> View:
    raise NotFound


_UNKNOWN = Page(slug="{rest:path}", show=_unknown)
