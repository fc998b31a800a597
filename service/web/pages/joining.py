"""`gabung`: what will be sent in, and joining the wave; afterwards the confirmation."""

from service.actions.standing import read_me
from service.actions.waves import Joined, join_wave
from service.web.operation import NoBody
from service.web.pages.page import Form, Go, Page, View, Visit
from service.web.pages.status import wave_state
from service.web.pages.way import missing


async def show(visit: Visit) -> View:
    me = await read_me(visit.ports, visit.session)
    return View("joining.html", {"me": me, "missing": missing(me), "wave": wave_state(me, visit.ports.clock.now())})


async def join(visit: Visit, _: NoBody) -> Go:
    wave_id = visit.ports.policy.wave_id
    await visit.once(Joined, lambda once: join_wave(visit.ports, once, visit.session, wave_id), wave_id)
    return Go("gabung")


PAGE = Page(slug="gabung", show=show, forms={"join": Form(act=join)})
