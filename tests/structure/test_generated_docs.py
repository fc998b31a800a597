"""Settings, metrics and problem types are documented, each once."""

import pytest

from tests.structure import generated_docs


@pytest.mark.parametrize(("path", "text"), generated_docs.pages().items(), ids=lambda value: getattr(value, "name", ""))
def test_page_is_what_the_code_says(path, text):
    """A setting, metric or problem type that was added or changed stands in its page."""
    assert path.read_text() == text, "run: make docs"


def test_problem_codes_are_unique():
    codes = [error.code for error in generated_docs.problem_types()]
    assert sorted(codes) == sorted(set(codes))
