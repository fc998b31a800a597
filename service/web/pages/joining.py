"""`gabung`: what will be sent in, and joining the wave; afterwards the confirmation."""

from service.actions.standing import read_me
from service.actions.waves import Joined, join_wave
from service.domain.devices import device_of
from service.web.operation import NoBody
from service.web.pages.page import Form, Go, Page, View, Visit
from service.web.pages.status import wave_state
from service.web.pages.texts import RULES
from service.web.pages.way import missing


async def show(visit: Visit) -> View:
    me = await read_me(visit.ports, visit.session)
    state = wave_state(me, visit.ports.clock.now())
    return View("joining.html", {"me": me, "missing": missing(me), "wave": state, "rules": RULES})


async def join(visit: Visit, _: NoBody) -> Go:
    me = await read_me(visit.ports, visit.session)
    wave_id = visit.ports.policy.wave_id if me.wave is None else me.wave.id
    device = device_of(visit.headers.get(b"user-agent", b"").decode("latin-1"))
    await visit.once(Joined, lambda once: join_wave(visit.ports, once, visit.session, wave_id, device), wave_id)
    return Go("gabung")


PAGE = Page(slug="gabung", show=show, forms={"join": Form(act=join)})
