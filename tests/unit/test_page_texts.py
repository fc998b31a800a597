"""Every error and every fault that the service can raise has its words for applicants, in plain sentences."""

import ast
import importlib
import itertools
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import service.domain
from service.domain import codes, errors
from service.web.pages import texts

for each in pkgutil.iter_modules(service.domain.__path__):
    importlib.import_module(f"service.domain.{each.name}")  # some define errors of their own
SERVICE = Path(__file__).parents[2] / "service"
ALL_TEXTS = sorted(
    {
        *texts.ERRORS.values(),
        *texts.CODE_REASONS.values(),
        *texts.FAULTS.values(),
        *itertools.chain.from_iterable(own.values() for own in texts.FIELD_FAULTS.values()),
    }
)


def _refusals(kind: type[errors.LaunchnightError] = errors.LaunchnightError) -> Iterator[type[errors.LaunchnightError]]:
    for child in kind.__subclasses__():
        if child.__module__.startswith("service."):
            if "code" in vars(child):
                yield child
            yield from _refusals(child)


def fault_codes(source: str) -> set[str]:
    """The codes of the fields' faults that a module names: FieldRefused(code, ...) and FieldFault(field, code, ...)."""
    places = {"FieldRefused": 0, "FieldFault": 1}
    found = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in places and len(node.args) > places[name]:
            code = node.args[places[name]]
            if isinstance(code, ast.Constant) and isinstance(code.value, str):
                found.add(code.value)
    return found


def test_every_error_has_its_words_and_none_is_left_over():
    """The table and the errors of the code are the same set."""
    assert {kind.code for kind in _refusals()} == texts.ERRORS.keys()


def test_every_fault_of_a_field_has_its_words_and_none_is_left_over():
    """Each code named anywhere in the service stands in the general table; no code there is unknown to the service."""
    named = set().union(*(fault_codes(path.read_text()) for path in SERVICE.rglob("*.py")))
    assert named == texts.FAULTS.keys()
    assert {code for own in texts.FIELD_FAULTS.values() for code in own} <= named


def test_the_search_for_codes_sees_a_new_one():
    """Negative control: a code that stands in no table is found where it is raised."""
    source = 'raise errors.FieldRefused("brand-new", "?")\nfaults.append(FieldFault(name, "newer", "?"))'
    assert fault_codes(source) == {"brand-new", "newer"}


def test_every_reason_of_a_refused_code_has_its_words():
    reasons = {
        codes.refusal(handed_at, 1000.0, 300.0, failures, used, right)
        for handed_at in (-1.0, 10.0, 900.0)
        for failures in (0, 100)
        for used in (False, True)
        for right in (False, True)
    } - {""}
    assert reasons == texts.CODE_REASONS.keys()
    for reason in reasons:
        assert texts.text_of(errors.CodeRefused(reason=reason)) == texts.CODE_REASONS[reason]


def test_a_field_has_its_own_words_before_the_general_ones():
    assert texts.text_of_fault("nik", "missing") == "Ketik NIK Anda."
    assert texts.text_of_fault("nik", "wrong-type") == texts.FAULTS["wrong-type"]
    assert texts.text_of_fault("no-such-field", "missing") == texts.FAULTS["missing"]


@pytest.mark.parametrize("nothing_typed", ["empty", "too-short"])
def test_an_empty_line_is_told_like_a_missing_field(nothing_typed):
    assert texts.text_of_fault("name", nothing_typed) == texts.text_of_fault("name", "missing")


@pytest.mark.parametrize("text", ALL_TEXTS)
def test_sentences_are_short_and_whole(text):
    """At most 20 words a sentence, and each ends with a full stop."""
    assert text.endswith(".")
    for sentence in re.split(r"[.;](?:\s|$)", text):
        assert len(sentence.split()) <= 20, sentence
