"""The English catalogue against the texts that the pages really hold: none missing, none left over."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from service.web.pages.language import languages

PAGES = Path(__file__).parents[2] / "service/web/pages"
KEYWORDS = {"_": None, "N_": None, "gettext": None}
PLACE = re.compile(r"%\(\w+\)s")


def texts_of(content: bytes, method: str) -> set[str]:
    """The source texts in a template (method "jinja2") or a module ("python"); none of them has a plural."""
    options = {"newstyle_gettext": "true", "trim_blocks": "true", "lstrip_blocks": "true"}
    found = set()
    for _, text, _, _ in extract(method, BytesIO(content), keywords=KEYWORDS, options=options):
        assert isinstance(text, str), f"a plural: {text}"
        found.add(text)
    return found


@pytest.fixture(scope="module")
def used() -> set[str]:
    found: set[str] = set()
    for path in PAGES.rglob("*"):
        method = {".html": "jinja2", ".py": "python"}.get(path.suffix)
        if method:
            found |= texts_of(path.read_bytes(), method)
    return found


@pytest.fixture(scope="module")
def english() -> Catalog:
    with (PAGES / "translations/en.po").open("rb") as file:
        return read_po(file, locale="en")


def test_every_text_is_translated_and_no_translation_is_left_over(used, english):
    translated = {str(each.id) for each in english if each.id and each.string}
    lines = "\n\n".join(f"msgid {_quoted(text)}\nmsgstr {_quoted('')}" for text in sorted(used - translated))
    assert used - translated == set(), f"add to en.po:\n\n{lines}\n"
    assert translated - used == set(), "delete from en.po"
    assert english.obsolete == {}


def test_the_search_for_texts_sees_templates_and_modules():
    """Negative control: what the extraction overlooked would never be missed."""
    template = b'{{ _("satu") }}{% trans n=1 %}dua {{ n }}{% endtrans %}{{ f("x", label=_("tiga")) }}'
    assert texts_of(template, "jinja2") == {"satu", "dua %(n)s", "tiga"}
    assert texts_of(b'A = {"a": N_("empat")}\nB = N_(\n    "lima "\n    "enam"\n)', "python") == {"empat", "lima enam"}


def test_translations_keep_the_places_of_figures(english):
    for each in english:
        if each.id:
            assert sorted(PLACE.findall(str(each.id))) == sorted(PLACE.findall(str(each.string))), each.id


def test_nothing_is_fuzzy_or_has_a_plural(english):
    """Babel knows no plural of Indonesian: texts are worded so that none is needed."""
    assert [each.id for each in english if each.id and (each.fuzzy or each.pluralizable)] == []


def test_the_catalogue_is_read_as_the_service_reads_it(used):
    _, english = languages()
    assert all(english.text(text, **dict.fromkeys(re.findall(r"%\((\w+)\)s", text), 1)) for text in used)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
