"""Ending the session and making this browser forget its applicant: for shared phones and computers in offices."""

from service.actions.sessions import end_session
from service.web.operation import NoBody
from service.web.pages.page import Form, Go, Page, View, Visit


async def show(_: Visit) -> View:
    return View("leaving.html")


async def forget(visit: Visit, _: NoBody) -> Go:
    if visit.memory.token:
        await end_session(visit.ports, visit.session)
    visit.memory = visit.memory.vacated()
    return Go("loket" if visit.memory.desk else "")


PAGE = Page(slug="keluar", show=show, forms={"leave": Form(act=forget)})
