"""Numbers and sentences in two languages, and where a number comes from."""

import pickle

import pytest

from loadtests import health
from reports import wording
from reports.html import marked
from reports.wording import Quoted, Told, count, percent, recorded, say, seconds, speaking
from scenarios.record import Fate, Manners, Reason


def test_indonesians_write_a_point_between_thousands_and_a_comma_before_tenths() -> None:
    with speaking("id"):
        assert (count(1_234_567), percent(0.954), seconds(1.35)) == ("1.234.567", "95,4 %", "1,35 dtk")
    assert (count(1_234_567), percent(0.954), seconds(1.35)) == ("1,234,567", "95.4 %", "1.35 s")


def test_a_sentence_is_looked_up_under_its_english_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wording, "catalogue", {"id": {"{n} of {all} joined": "{n} dari {all} ikut"}}.__getitem__)
    with speaking("id"):
        assert say("{n} of {all} joined", n=1, all=2) == "1 dari 2 ikut"
        with pytest.raises(KeyError):
            say("nobody translated this")


def test_a_number_says_where_it_comes_from_on_the_page_and_nowhere_else() -> None:
    sentence = say("{n} <came>", n=count(12_000, source="people:count"))
    assert sentence == "12,000 <came>"
    assert marked(sentence) == '<data value="12000" data-source="people:count">12,000</data> &lt;came&gt;'
    assert marked(count(None, source="people:count")) == "–"


def test_numbers_and_sentences_travel_between_processes() -> None:
    told = pickle.loads(pickle.dumps(say("{n} came", n=count(3, source="x"))))
    assert told.parts[0].source == "x"
    assert isinstance(told.parts[0], Told)
    assert told == "3 came"


def test_what_a_record_says_is_translated_where_it_is_known_and_else_marked_as_english() -> None:
    """Numbers filled in are written as Indonesians write them; a cause inside a sentence is translated too."""
    late = "1 in 100 applicants was started more than 12.5 ms late, 10 allowed: worker 1 stopped for 1,090 ms to look"
    with speaking("id"):
        assert recorded("the wave was full") == "gelombang sudah penuh"
        assert recorded(f"{late} for garbage") == (
            "1 dari 100 pendaftar dimulai terlambat lebih dari 12,5 md, batasnya 10: "
            "worker 1 berhenti 1.090 md untuk mencari sampah memori"
        )
        unknown = recorded("<nobody> foresaw this")
        assert marked(unknown) == '<span lang="en">&lt;nobody&gt; foresaw this</span>'
    assert marked(recorded("<nobody> foresaw this")) == "&lt;nobody&gt; foresaw this"


def test_everything_that_the_swarm_and_the_people_say_is_known() -> None:
    """No audit, fate, manner or reason of today is left in English, whatever cause stands inside another."""
    signs = {"cpu_share": 0.97, "no_port": 3.0, "no_file": 2.0, "loop_p99_9_s": 0.2, "gc_max_s": 0.3}
    near = {"busy_share": 0.95, "wait_share": 0.3, "ports": 9.0, "ports_limit": 10.0, "files": 9.0, "files_limit": 10.0}
    rush = {"busy_share": 0.95, "wait_share": 0.1}
    found = [
        *health.audits({"p99": 12.5, "max": 40.0}, {"worker 1": signs}, blocked_p99_s=0.1, lost_share=0.02),
        *health.audits({"p99": 1.0, "max": 4000.0}, {"worker 1": near}),
        *health.audits({"p99": 1.0, "max": 4000.0}, {"worker 1": rush}),
        *health.audits({"p99": 12.5, "max": 40.0}, {}),
    ]
    said = [text for audit in found for text in (audit.cause, audit.advice)]
    said += [one.phrase for kind in (Fate, Reason, Manners) for one in kind]
    with speaking("id"):
        assert [text for text in said if _quotes(recorded(text))] == []


def _quotes(words: str) -> bool:
    return isinstance(words, Quoted) or any(isinstance(part, Quoted) for part in getattr(words, "parts", ()))
