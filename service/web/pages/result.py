"""`hasil`: what the draw says about a ticket, for anybody who has one. The answers, `hasil/1` and `hasil/1/TICKET`, are
those of the API, and caches keep them as long."""

from typing import Annotated
from uuid import UUID

import msgspec

from service.actions import announcement as actions
from service.domain.announcement import WaveState
from service.domain.errors import FieldFault, FieldRefused, InvalidFields, NotFound
from service.web.announcement import MOST_ID, WaveCopies, is_ticket, kept
from service.web.pages.page import Form, Go, Page, View, Visit


def typed_ticket(text: str) -> str:
    """As the list of the draw writes it, however it was typed. Raises FieldRefused."""
    ticket = "".join(text.split()).replace("-", "").lower()
    if not is_ticket(ticket):
        raise FieldRefused("not-a-ticket", "32 digits and letters from a to f are needed, as on the receipt.")
    return ticket


class Look(msgspec.Struct):
    wave: Annotated[int, msgspec.Meta(ge=1, le=MOST_ID)]
    ticket: Annotated[str, msgspec.Meta(max_length=80)]


def pages() -> list[Page]:
    waves = WaveCopies()

    async def ask(visit: Visit) -> View:
        return View("result_search.html", {"wave": visit.ports.policy.wave_id})

    async def look(visit: Visit, given: Look) -> Go:
        """To the answer, unless there is none: then what is wrong stands beside what was typed."""
        try:
            wave = await waves.find(visit.ports, given.wave)
        except NotFound:
            raise InvalidFields([FieldFault("wave", "unknown-value", "There is no such wave.")]) from None
        try:
            await actions.result_of_ticket(visit.ports, wave, UUID(given.ticket))
        except NotFound:
            raise InvalidFields([FieldFault("ticket", "not-in-draw", "No such ticket was in the draw.")]) from None
        return Go(f"hasil/{given.wave}/{given.ticket}")

    async def show_wave(visit: Visit) -> View:
        wave = await waves.find(visit.ports, visit.number("wave", 1, MOST_ID))
        return _view(actions.result_of(wave, visit.ports.clock.now()))

    async def show_ticket(visit: Visit) -> View:
        wave = await waves.find(visit.ports, visit.number("wave", 1, MOST_ID))
        ticket = visit.scope["path_params"]["ticket"]
        if not is_ticket(ticket):
            raise NotFound
        return _view(await actions.result_of_ticket(visit.ports, wave, UUID(ticket)))

    form = Form(act=look, body=Look, checks={"ticket": typed_ticket})
    return [
        Page(slug="hasil", show=ask, forms={"result": form}, public=True),
        Page(slug="hasil/{wave}", show=show_wave, public=True),
        Page(slug="hasil/{wave}/{ticket}", show=show_ticket, public=True),
    ]


def _view(result: actions.Result) -> View:
    return View("result.html", {"result": result}, kept=kept(WaveState(result.state)))
