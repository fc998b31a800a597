"""Templates to bytes, and the headers that every page carries."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from service.domain.errors import InvalidFields, LaunchnightError
from service.web.http import Headers, Rendered
from service.web.pages.assets import Assets
from service.web.pages.language import Language
from service.web.pages.page import Form, View, Visit
from service.web.pages.texts import text_of, text_of_fault

_TEMPLATES = Path(__file__).parent / "templates"
_SECURE: Headers = [
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
]
_A_MINUTE = b"public, max-age=60"
_PRIVATE = (b"cache-control", b"no-store")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One line of the summary; `field` is empty when it belongs to none."""

    field: str
    text: str


def page_headers(*, public: bool = False, kept: bytes = b"") -> Headers:
    return [*_SECURE, (b"cache-control", kept or _A_MINUTE) if public else _PRIVATE]


class Renderer:
    """Renders the pages of one language."""

    def __init__(self, language: Language, twin: Language, assets: Assets) -> None:
        self._language = language
        self._twin = twin
        self._pages = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            extensions=["jinja2.ext.i18n"],
        )
        self._pages.install_gettext_callables(  # type: ignore[attr-defined]
            language.text, lambda one, many, count: language.text(one), newstyle=True
        )
        self._pages.globals.update(language=language, twin=twin, url=language.url, asset=assets.url)
        self._pages.filters.update(
            number=language.number, clock=language.clock, moment=language.moment, duration=language.duration
        )

    def page(self, view: View, visit: Visit, form: Form | None = None) -> bytes:
        """The page; `form`: the one that was refused."""
        facts: dict[str, object] = {**view.facts}
        mistakes: Sequence[Mistake] = ()
        if view.refresh_s is not None:
            facts["refresh_s"] = math.ceil(view.refresh_s)
        if visit.refusal is not None:
            facts["retry_after_s"] = visit.refusal.retry_after_s
            mistakes = mistakes_of(visit.refusal, form, self._language)
            facts["problem"] = problem_of(visit.refusal)
        return self._render(view.template, visit, facts, mistakes)

    def error(self, error: LaunchnightError, visit: Visit) -> bytes:
        """A page of its own for what cannot be shown on another one."""
        text = self._language.text(text_of(error))
        facts = {
            "text": text,
            "code": error.code,
            "problem": problem_of(error),
            "retry_after_s": error.retry_after_s,
        }
        return self._render("error.html", visit, facts)

    def _render(
        self, template: str, visit: Visit, facts: Mapping[str, object], mistakes: Sequence[Mistake] = ()
    ) -> bytes:
        shared = {
            "twin_url": self._twin.url(visit.scope["path"].removeprefix(self._language.prefix)),
            "once": visit.once_key(),
            "typed": visit.typed,
            "faults": {mistake.field: mistake.text for mistake in reversed(mistakes) if mistake.field},
            "mistakes": mistakes,
            "problem": "",
            "retry_after_s": None,
            "refresh_s": None,
            "has_memory": not visit.memory.is_vacant,
            "desk": visit.memory.desk,
        }
        return self._pages.get_template(template).render({**shared, **facts}).encode()


def problem_of(error: LaunchnightError) -> str:
    """What programs read where people read a text: the code, and the reason behind it where there is one."""
    reason = error.facts.get("reason")
    return f"{error.code} {reason}" if reason else error.code


def mistakes_of(error: LaunchnightError, form: Form | None, language: Language) -> Sequence[Mistake]:
    """What a refused form has to say, field by field where a field is at fault."""
    if isinstance(error, InvalidFields):
        return [Mistake(fault.field, language.text(text_of_fault(fault.field, fault.code))) for fault in error.faults]
    field = "" if form is None else form.blames.get(type(error), "")
    return [Mistake(field, language.text(text_of(error)))]


def redirect(address: str) -> Rendered:
    """303: the browser asks for `address` by GET."""
    return Rendered(303, [(b"location", address.encode()), _PRIVATE], b"")
