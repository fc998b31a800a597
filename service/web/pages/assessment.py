"""`tes`, `tes/1` to `tes/18`, `tes/kirim`: one item a page, each answer saved when it is sent."""

from datetime import timedelta

from service.actions import assessment as actions
from service.actions.standing import read_me
from service.domain.assessment import DURATION_S, ITEMS, UNANSWERED
from service.web.assessment import Choice
from service.web.pages.page import Form, Go, Page, View, Visit
from service.web.pages.way import next_slug


async def _show_start(visit: Visit) -> View:
    progress = await actions.read_progress(visit.ports, visit.session)
    facts = {"progress": progress, "items": ITEMS, "duration": DURATION_S, "open": _first_open(progress)}
    return View("assessment.html", facts)


async def _start(visit: Visit, _: object) -> Go:
    await visit.once(actions.StartedAssessment, lambda once: actions.start(visit.ports, once, visit.session))
    return Go(_first_open(await actions.read_progress(visit.ports, visit.session)))


async def _show_item(visit: Visit) -> View | Go:
    number = visit.number("number", 1, ITEMS)
    progress = await actions.read_progress(visit.ports, visit.session)
    if progress.state != "running":
        return Go("tes")
    question = actions.QUESTIONS[number - 1]
    facts = {
        "question": question,
        "options": list(enumerate(question.options)),
        "chosen": progress.answers[number - 1],
        "following": _slug_after(number),
        "items": ITEMS,
        **_time(visit, progress),
    }
    return View("item.html", facts)


async def _answer(visit: Visit, choice: Choice) -> Go:
    number = visit.number("number", 1, ITEMS)
    await actions.save_answer(visit.ports, visit.session, number, choice.choice)
    return Go(_slug_after(number))


async def _show_end(visit: Visit) -> View | Go:
    progress = await actions.read_progress(visit.ports, visit.session)
    if progress.state != "running":
        return Go("tes")
    unanswered = [number for number, answer in enumerate(progress.answers, start=1) if answer == UNANSWERED]
    facts = {"answered": progress.answered, "unanswered": unanswered, "items": ITEMS}
    return View("submission.html", facts | _time(visit, progress))


async def _submit(visit: Visit, _: object) -> Go:
    await visit.once(actions.Submission, lambda once: actions.submit(visit.ports, once, visit.session))
    return Go(next_slug(await read_me(visit.ports, visit.session)))


def _first_open(progress: actions.Progress) -> str:
    """The page of the first item without an answer."""
    answers = progress.answers
    return f"tes/{answers.index(UNANSWERED) + 1}" if UNANSWERED in answers else "tes/kirim"


def _slug_after(number: int) -> str:
    return f"tes/{number + 1}" if number < ITEMS else "tes/kirim"


def _time(visit: Visit, progress: actions.Progress) -> dict[str, object]:
    """What is left, and until when: without a script the page cannot count."""
    return {"left": progress.left, "until": visit.ports.clock.now() + timedelta(seconds=progress.left)}


PAGES = [
    Page(slug="tes", show=_show_start, forms={"start": Form(act=_start)}),
    Page(slug="tes/kirim", show=_show_end, forms={"submit": Form(act=_submit)}),
    Page(slug="tes/{number}", show=_show_item, forms={"answer": Form(act=_answer, body=Choice)}),
]
