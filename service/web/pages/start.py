"""The start page: what the card is, who may apply, what to have ready. The same for everybody, so caches keep it."""

from service.web.pages.page import Page, View, Visit


async def show(_: Visit) -> View:
    return View("start.html")


PAGE = Page(slug="", show=show, public=True)
