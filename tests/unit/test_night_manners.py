"""Manners of clients, from the night's file or an option to the crowd, the record and the report."""

from argparse import Namespace
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from loadtests.applicant import Applicant
from loadtests.cli import parser
from loadtests.clock import Clock
from loadtests.connections import Answer, Connections
from loadtests.crowd import Crowd, Share
from loadtests.harness.errors import Refusal
from loadtests.harness.order import order_of
from loadtests.run_settings import OPTIONS, RunSettings, SettingsRefused
from reports import html, tables
from reports.facts import Facts
from scenarios import catalogue, journey
from scenarios.behaviour import traits
from scenarios.catalogue import Night, NightError
from scenarios.fates import Fate, Manners
from scenarios.population import person
from scenarios.record import Run, read_people
from tests.unit.synthetic_run import SyntheticRun

NAME = "prakerja-wave-1"
NIGHT = catalogue.load(NAME)
TEXT = (Path(catalogue.__file__).parent / "nights" / f"{NAME}.toml").read_text()


def night_with(folder: Path, manners: str) -> Night:
    path = folder / "mine.toml"
    path.write_text(f"{TEXT}\n[manners]\n{manners}\n")
    return catalogue.load(str(path))


def played(night: Night, people: int = 2000) -> Counter[Manners]:
    return Counter(person(night, 1, number).manners for number in range(people))


def test_a_night_that_says_nothing_has_punctual_clients() -> None:
    assert played(NIGHT, 200) == {Manners.PUNCTUAL: 200}


def test_shares_of_the_night_are_those_of_the_people(tmp_path: Path) -> None:
    """They need no source: a night tries them out. Nothing else about anybody changes."""
    night = night_with(tmp_path, "naive = 0.2\npolite = 0.5\nadaptive = 0.3")
    found = played(night)
    assert set(found) == {Manners.NAIVE, Manners.POLITE, Manners.ADAPTIVE}
    assert found[Manners.NAIVE] == pytest.approx(400, abs=60)
    assert found[Manners.ADAPTIVE] == pytest.approx(600, abs=60)
    for number in range(50):
        here, there = person(night, 1, number), person(NIGHT, 1, number)
        assert {**asdict(here), "manners": 0} == {**asdict(there), "manners": 0}
        assert traits(night, here)._replace(manners=0) == traits(NIGHT, there)


def test_a_mixed_night_survives_the_record(tmp_path: Path) -> None:
    night = night_with(tmp_path, "naive = 0.25\npolite = 0.75")
    assert Night.from_dict(night.to_dict()) == night
    before = night.to_dict()
    del before["manners"]
    before["figures"] = [figure for figure in before["figures"] if not figure["key"].startswith("manners")]
    assert Night.from_dict(before).manners == {"punctual": 1.0}, "a record of before there was a choice"


@pytest.mark.parametrize(
    ("manners", "words"),
    [
        ("naive = 0.2", "manners: shares must sum to 1, not 0.2"),
        ("rude = 1.0", "manners.rude: no such manners; there are punctual, naive, polite, adaptive"),
        ('naive = "all"', "manners.naive: must be a number"),
        ("naive = 1.5\npolite = -0.5", "manners.naive"),
    ],
)
def test_wrong_shares_are_refused_by_key(tmp_path: Path, manners: str, words: str) -> None:
    with pytest.raises(NightError) as refused:
        night_with(tmp_path, manners)
    assert words in str(refused.value)


def test_an_option_replaces_the_nights_shares(tmp_path: Path) -> None:
    """And the record names it with its origin; the night's own shares stand there no more."""
    naive = night_with(tmp_path, "polite = 0.5\nadaptive = 0.5").with_manners("naive")
    assert played(naive, 200) == {Manners.NAIVE: 200}
    figures = [figure for figure in naive.figures if figure.key.startswith("manners.")]
    assert [(figure.key, figure.value, figure.source) for figure in figures] == [
        ("manners.naive", 1.0, "own: chosen for this run")
    ]


def test_the_command_line_knows_the_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def order(*more: str) -> object:
        return order_of(parser().parse_args(["rehearse", NAME, "--minutes", "1", *more])).night.manners

    assert order() == {"punctual": 1.0}
    assert order("--manners", "adaptive") == {"adaptive": 1.0}
    with pytest.raises(Refusal) as refused:
        order("--manners", "rude")
    assert "--manners: must be one of punctual, naive, polite, adaptive, not 'rude'" in str(refused.value)


def test_every_worker_of_the_swarm_is_told() -> None:
    """Through the message of the master, which has the night in it."""
    given = Namespace(**{name.strip("-").replace("-", "_"): facts["default"] for name, facts in OPTIONS})
    given.partner_set, given.manners = "", "polite"
    settings = RunSettings.parse(given, "http://127.0.0.1:1")
    assert RunSettings.of_message(settings.message()).night.manners == {"polite": 1.0}
    given.manners = "rude"
    with pytest.raises(SettingsRefused, match="--manners"):
        RunSettings.parse(given, "http://127.0.0.1:1")


class Refusing(Connections):
    """Stands in for a service that is down for good; counts what reaches it."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.asked = 0

    def send(self, *_: object, **__: object) -> Answer:
        self.asked += 1
        return Answer(503, {"retry-after": "3"}, b"")


class Stats:
    """Takes what Locust's table takes."""

    def log_request(self, *_: object) -> None: ...
    def log_error(self, *_: object) -> None: ...


@pytest.mark.parametrize("manners", [Manners.POLITE, Manners.ADAPTIVE])
def test_what_a_client_holds_back_is_counted_and_not_sent(manners: Manners) -> None:
    """A hundred adaptive people against a closed door, five tries each: every try is either sent or held back."""
    night = NIGHT.with_manners(manners.name.lower())
    share = Share(night, 1, 20.0, np.zeros(100), np.arange(100), last_arrival=0.0, drain=60.0, run="test")
    service = Refusing()
    crowd = Crowd(share, Clock(0.0), service, (b"", b""), Stats())
    for number in range(100):
        who = person(night, 1, number)
        one = Applicant(who, number, journey.start(traits(night, who)), "test")
        crowd.live[number] = one
        for _ in range(5):
            crowd._request(one, 0.0)
    requests = int(crowd.roster.columns["requests"].sum())
    assert (requests, requests + crowd.metrics.held_back) == (service.asked, 500)
    assert f"swarm_held_back_total {crowd.metrics.held_back}\n" in crowd.metrics.exposition()
    if manners is Manners.ADAPTIVE:
        # Of the second to fifth try 1/2, 2/3, 3/4 and 4/5 are held back.
        assert crowd.metrics.held_back == pytest.approx(272, abs=30)
    else:
        assert crowd.metrics.held_back == 0


def test_a_report_says_which_manners_were_played(tmp_path: Path) -> None:
    """In its title where they are not the usual ones, and by kind what they asked and got."""
    run = SyntheticRun()
    plain = Facts(Run.load(run.write(tmp_path / "plain")))
    run.config["night"]["manners"] = {"naive": 0.25, "polite": 0.75}
    run.people["manners"][:] = Manners.POLITE
    run.people["manners"][:150] = Manners.NAIVE
    run.people["requests"][:150] = 99
    run.people["fate"][:75] = Fate.FAILED
    mixed = Facts(Run.load(run.write(tmp_path / "mixed")))
    assert html.title(mixed) == f"{html.title(plain)} · clients naive 25 %, polite 75 %"
    table = tables.manners(mixed)
    assert table is not None and tables.manners(plain) is None
    naive, polite = table.rows
    assert naive == ["naive: ignores what it is told and repeats at once", "150", "99", "0", "50 %"]
    assert (polite[1], polite[4]) == ("450", "100 %")


def test_people_of_an_old_record_were_punctual(tmp_path: Path) -> None:
    """A people.npz without the column is read, and stands for what everybody did then."""
    folder = SyntheticRun().write(tmp_path / "run")
    with np.load(folder / "people.npz") as stored:
        old = {name: stored[name] for name in stored.files if name != "manners"}
    np.savez_compressed(folder / "people.npz", **old)
    assert set(read_people(folder)["manners"]) == {Manners.PUNCTUAL}
    assert Run.load(folder).people["manners"].dtype == np.uint8
