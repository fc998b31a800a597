"""One page as a browser without JavaScript needs it: its forms, the marks that tell how things stand, what it links.

Read by regular expressions, which know our own markup only: the standard library's parser is busy for 6 ms with the
page of five hundred regencies, and a loop that is busy for that long makes other people late.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

_FIELD = re.compile(r"<(?:input|textarea|select)\b([^>]*)>")
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_ANCHOR = re.compile(r'<a\b[^>]*\bhref="([^"#?]+)"')
_LINK = re.compile(r"<link\b([^>]*)>")
_SCRIPT = re.compile(r'<script\b[^>]*\bsrc="([^"]+)"')
_NOTICE = re.compile(r'<(p|div)\b[^>]*\bclass="notice ?(\w*)"')
_TASK = re.compile(r'<a href="([^"]*)">[^<]*</a>\s*<span class="tag (\w+)">')
_LOADED = ("stylesheet", "icon")


class Form(NamedTuple):
    """hidden: what it sends whatever is typed; typed: the names of all other fields."""

    hidden: dict[str, str]
    typed: frozenset[str]
    is_multipart: bool


class Page(NamedTuple):
    path: str
    forms: dict[str, Form]
    """By the value of the hidden field `form`; a form without it by its one field."""
    refresh_s: float
    """When the page asks for itself again; -1 = never."""
    problem: str
    """The code of what was refused, empty when nothing was."""
    reason: str
    """Behind the code."""
    notices: frozenset[tuple[str, str]]
    """Element and kind of every notice: ("p", "good")."""
    tasks: dict[str, str]
    """State of each step of the status page, by the path it leads to: todo, done, wait, fix, again."""


def read_page(path: str, body: bytes) -> Page | None:
    """The page that was answered under `path`; None when it is none of ours."""
    text = body.decode("utf-8", "replace")
    main = next(_elements(text, "main"), None)
    if main is None:
        return None
    marks, inside = main
    problem, _, reason = marks.get("data-problem", "").partition(" ")
    return Page(
        path=path,
        forms=dict(_form(form, fields) for form, fields in _elements(inside, "form")),
        refresh_s=float(marks.get("data-refresh", -1.0)),
        problem=problem,
        reason=reason,
        notices=frozenset(_NOTICE.findall(inside)),
        tasks=dict(_TASK.findall(inside)),
    )


def loaded_with(body: bytes, *, scripts: bool = False) -> list[str]:
    """Addresses of what a browser loads with a page: style sheet and icon, and scripts if it runs them."""
    text = body.decode("utf-8", "replace")
    links = (_attributes(each) for each in _LINK.findall(text))
    found = [unescape(link["href"]) for link in links if link.get("rel") in _LOADED and "href" in link]
    return found + [unescape(address) for address in _SCRIPT.findall(text)] if scripts else found


def links_of(body: bytes) -> list[str]:
    """Paths that the page leads to, each once, in their order."""
    return list(dict.fromkeys(unescape(each) for each in _ANCHOR.findall(body.decode("utf-8", "replace"))))


def _elements(text: str, tag: str) -> Iterator[tuple[dict[str, str], str]]:
    """Attributes and content of each element of a tag that never stands in itself."""
    at = text.find(f"<{tag}")
    while at >= 0:
        opened, end = text.find(">", at), text.find(f"</{tag}>", at)
        if not 0 <= opened < end:
            return
        yield _attributes(text[at:opened]), text[opened + 1 : end]
        at = text.find(f"<{tag}", end)


def _form(attributes: dict[str, str], inside: str) -> tuple[str, Form]:
    hidden: dict[str, str] = {}
    typed: dict[str, None] = {}
    for field in map(_attributes, _FIELD.findall(inside)):
        if field.get("type") == "hidden":
            hidden[field["name"]] = unescape(field.get("value", ""))
        else:
            typed[field["name"]] = None
    is_multipart = attributes.get("enctype") == "multipart/form-data"
    return hidden.get("form") or next(iter(typed), ""), Form(hidden, frozenset(typed), is_multipart)


def _attributes(text: str) -> dict[str, str]:
    return dict(_ATTRIBUTE.findall(text))
