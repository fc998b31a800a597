"""Every command in the documents exists: its target, verb and options. The README's walk by curl is run whole in
tests/acceptance/test_readme.py."""

import re
import shlex
from pathlib import Path

import pytest

from tests.structure.compose import parsed

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
PLAIN = {"git", "cd", "curl", "head", "tail", "apt-get", "sleep", "for", "until", "stat"}


def _commands() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.M | re.S):
            lines = block.replace("\\\n", " ").splitlines()
            found += [(page.name, line) for line in lines if line.strip() and not line.startswith("#")]
    return found


@pytest.mark.parametrize(("page", "command"), _commands())
def test_command_exists(page, command):
    command = re.sub(r"^[A-Z_]+=\$\((.*)\)$", r"\1", command)  # NAME=$(command)
    if re.match(r"""^[A-Z_]+=(\S+|".*"|'.*')$""", command) or re.match(r"^\w+\(\) \{.*\}$", command):
        return  # variables and the small function of the walk
    words = [word for word in shlex.split(command, comments=True) if not re.match(r"^[A-Z_]+=", word)]
    program, *rest = words
    program = program.removeprefix(".venv/bin/")
    if program == "make":
        assert rest, "make without a target"
        assert rest[0] in TARGETS, f"no such target: {rest[0]}"
    elif program == "launchnight":
        _parses(rest)
    elif program == "python" and rest[0] == "-c":
        compile(rest[1], "-c", "exec")
    elif program == "python" and rest[0] == "-m":
        assert (ROOT / rest[1].replace(".", "/")).exists() or (ROOT / (rest[1].replace(".", "/") + ".py")).exists()
    elif program == "locust":
        assert "loadtests/locustfile.py" in rest
    elif program == "docker":
        _compose_understands(rest)
    else:
        assert program in PLAIN, f"a test cannot tell whether this works: {command}"


def _parses(words: list[str]) -> None:
    from loadtests import cli

    try:
        cli.parser().parse_args(words)
    except SystemExit as stopped:
        assert stopped.code == 0, f"launchnight refuses: {shlex.join(words)}"


def _compose_understands(words: list[str]) -> None:
    assert words[0] == "compose"
    done = parsed(*words[1:], "--help")
    assert done.returncode == 0, done.stderr


def test_an_option_that_compose_does_not_know_is_seen():
    """Negative control: asking for help does not hide it."""
    assert parsed("up", "--wait-a-bit", "--help").returncode != 0


def test_every_target_is_in_the_menu():
    """`make help` shows each target a person may want."""
    text = (ROOT / "Makefile").read_text()
    phony = set(re.findall(r"^\.PHONY: ([a-z-]+)$", text, re.M))
    shown = set(re.findall(r"^([a-z-]+):.*## ", text, re.M))
    assert phony == shown
