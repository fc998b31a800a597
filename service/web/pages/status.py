"""`status`: how every step stands, what the civil registry said, and the wave."""

from datetime import datetime

from service.actions.standing import Me, read_me
from service.web.pages.page import Page, View, Visit
from service.web.pages.texts import PHOTO_REASONS, RULES
from service.web.pages.way import PHOTOS, missing, next_slug, tasks

_LEAST_REFRESH = 45.0
"""Seconds. The registry and the inspection take a second or hours; nobody waits in front of this page for them."""
_SPREAD = 30.0


async def show(visit: Visit) -> View:
    me = await read_me(visit.ports, visit.session)
    facts = {
        "me": me,
        "reasons": PHOTO_REASONS,
        "photos": {slot: (slug, title) for slot, slug, title in PHOTOS},
        "tasks": tasks(me),
        "missing": missing(me),
        "onward": next_slug(me),
        "wave": wave_state(me, visit.ports.clock.now()),
        "rules": RULES,
    }
    pending = me.identity.status == "pending" or any(photo.status == "pending" for photo in me.photos)
    return View("status.html", facts, _LEAST_REFRESH + _SPREAD * visit.ports.chance() if pending else None)


def wave_state(me: Me, now: datetime) -> str:
    """none, chosen (there is nothing left to join), joined, early, open or closed."""
    if me.draw is not None and me.draw.outcome == "chosen":
        return "chosen"
    if me.wave is None:
        return "none"
    if me.wave.joined_at is not None:
        return "joined"
    if now < me.wave.opens_at:
        return "early"
    return "open" if now < me.wave.closes_at else "closed"


PAGE = Page(slug="status", show=show)
