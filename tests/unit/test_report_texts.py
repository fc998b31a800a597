"""The Indonesian catalogue of reports against the sentences that the code really says: none missing, none left over."""

import ast
import re
import tomllib
from pathlib import Path
from string import Formatter

import jinja2
import pytest
from jinja2 import nodes

REPORTS = Path(__file__).parents[2] / "reports"
TEXTS = REPORTS / "texts"
KEYWORDS = {"say", "N_"}
SPEAKERS = (
    "scenarios/fates.py", "scenarios/factors.py", "loadtests/health.py", "reports/knee.py", "reports/probes.py",
    *(f"loadtests/harness/{name}.py" for name in ("beyond", "hunt", "probing", "running_stack", "search")),
    *(f"scenarios/simulation/{name}.py" for name in ("assumptions", "plan", "run", "timeline")),
    *(f"scenarios/simulation/planning/{name}.py" for name in ("goals", "knobs", "planner", "prices")),
)  # fmt: skip
"""Whose English sentences stand in records."""
SURELY = 9
"""Letters of a piece of a sentence that do not stand together by chance."""


def said_by(module: str) -> set[str]:
    """The literals that a module says or marks. A sentence that is put together on the spot could not be looked up."""
    found: set[str] = set()
    for call in ast.walk(ast.parse(module)):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KEYWORDS):
            continue
        text = call.args[0]
        assert not isinstance(text, ast.JoinedStr | ast.BinOp), f"a sentence made on the spot: {ast.unparse(text)}"
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            found.add(text.value)
    return found


def said_in(template: str) -> set[str]:
    """The literals that a template says."""
    calls = jinja2.Environment().parse(template).find_all(nodes.Call)
    texts = [call.args[0] for call in calls if isinstance(call.node, nodes.Name) and call.node.name in KEYWORDS]
    assert all(isinstance(text, nodes.Const | nodes.Name | nodes.Getattr) for text in texts), "made on the spot"
    return {text.value for text in texts if isinstance(text, nodes.Const)}


@pytest.fixture(scope="module")
def said() -> set[str]:
    modules = (said_by(path.read_text()) for path in REPORTS.glob("**/*.py"))
    templates = (said_in(path.read_text()) for path in REPORTS.glob("templates/**/*.j2"))
    return set().union(*modules, *templates)


@pytest.fixture(scope="module")
def catalogue() -> dict[str, str]:
    return tomllib.loads((TEXTS / "id.toml").read_text())


@pytest.fixture(scope="module")
def recorded() -> dict[str, str]:
    return tomllib.loads((TEXTS / "recorded.id.toml").read_text())


def test_every_sentence_is_translated_and_none_is_left_over(said: set[str], catalogue: dict[str, str]) -> None:
    assert len(said) > 200
    assert said - catalogue.keys() == set(), "say it in reports/texts/id.toml too"
    assert catalogue.keys() - said == set(), "nobody says it any more"


def test_a_translation_fills_in_what_the_sentence_fills_in(catalogue: dict[str, str], recorded: dict[str, str]) -> None:
    for english, translated in [*catalogue.items(), *recorded.items()]:
        assert names_in(english) == names_in(translated), english
        assert translated.strip(), english


def test_what_records_say_is_what_their_writers_say(recorded: dict[str, str]) -> None:
    """A piece of each sentence stands in the code of one of those who write records."""
    trees = [ast.parse((REPORTS.parent / path).read_text()) for path in SPEAKERS]
    written = [
        one.value for tree in trees for one in ast.walk(tree)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]  # fmt: skip
    for english in recorded:
        pieces = re.split(r"\{\w+\}|\d+(?:[.,]\d+)*", english)
        longest = max(pieces, key=len)
        assert any(longest.strip() in text or (len(text.strip()) >= SURELY and text in english) for text in written), (
            english
        )


def test_nothing_escapes_the_search() -> None:
    """Concatenated literals are one sentence; a variable is none; what is made on the spot is refused."""
    assert said_by('say("one " "two", n=3)\nN_("three")\nsay(word)\nsaying("four")') == {"one two", "three"}
    assert said_in('{{ say("five") }}{% if say("six", a=b) %}{{ say(word) }}{% endif %}') == {"five", "six"}
    for made in ('say(f"{n} came")', 'say("n" + word)'):
        with pytest.raises(AssertionError, match="on the spot"):
            said_by(made)
    with pytest.raises(AssertionError, match="on the spot"):
        said_in('{{ say("n" ~ word) }}')


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}
