"""The Dockerfile: clean under hadolint, nothing from outside without its hash, nothing needless in an image."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
IGNORED = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]


def stages() -> dict[str, str]:
    """The text of each stage by its name."""
    parts = re.split(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, flags=re.M)
    return dict(zip(parts[2::3], parts[3::3], strict=True))


def hadolint(text: str) -> "subprocess.CompletedProcess[str]":
    program = Path(sys.executable).with_name("hadolint")
    return subprocess.run([program, "-"], input=text, capture_output=True, text=True, check=False)


def test_hadolint_has_nothing_to_say():
    done = hadolint(DOCKERFILE)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("FROM ${BASE_IMAGE} AS runtime", "FROM python:latest AS runtime", "DL3007"),
        ("WORKDIR /build", "WORKDIR build", "DL3000"),
        ('CMD ["launchnight", "--help"]', "CMD launchnight --help", "DL3025"),
    ],
)
def test_hadolint_sees_what_is_wrong(right, wrong, rule):
    """Negative control: the same file with one slip."""
    assert right in DOCKERFILE
    assert rule in hadolint(DOCKERFILE.replace(right, wrong)).stdout


def test_the_base_is_an_argument_pinned_by_a_tag():
    assert re.search(r"^ARG BASE_IMAGE=python:3\.11-slim-\w+$", DOCKERFILE, re.M)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)) - stages().keys() == {"${BASE_IMAGE}"}


def test_only_the_stages_of_wheels_ask_a_network():
    """There every package has its hash; later ones are told not to look anywhere."""
    asked = []
    for name, text in stages().items():
        runs = re.findall(r"^RUN (.+)$", text.replace("\\\n", " "), re.M)
        asked += [name for run in runs if re.search(r"pip download .*--only-binary=:all: --require-hashes -r ", run)]
        if name.startswith("wheels-"):
            continue
        assert not re.search(r"apt-get|curl|wget|pip download|^ADD ", text, re.M), name
        for run in runs:
            assert "/pip " not in run or " --no-index " in run, run
    assert asked == ["wheels-service", "wheels-load"]


@pytest.mark.parametrize("name", ["service", "load"])
def test_an_image_runs_as_nobody_in_particular_without_a_shell(name):
    """Its user comes from the stage below and is not given back; its command is in exec form."""
    assert f"FROM runtime AS {name}\n" in DOCKERFILE
    assert "\nUSER 10001:10001\n" in stages()["runtime"]
    assert "USER" not in stages()[name] and "RUN" not in stages()[name]
    assert re.search(r'^CMD \["', stages()[name], re.M)


def test_the_service_image_holds_the_service_alone():
    copied = re.findall(r"^COPY (.+) \S+$", stages()["service"], re.M)
    assert copied == ["--from=installed-service /opt/venv", "--from=installed-service /app"]
    assert re.findall(r"^COPY (.+) \S+$", stages()["installed-service"], re.M) == ["service"]
    assert "base.txt" in stages()["installed-service"] and "load.txt" not in stages()["installed-service"]


def test_what_is_copied_reaches_the_build_and_nothing_else_does():
    assert IGNORED[0] == "*", "an allow-list"
    let_through = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}
    copied = {
        source
        for words in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.M)
        for source in words.split()
        if source != "requirements"
    }
    assert let_through == copied
    assert all((ROOT / name).exists() for name in let_through)
