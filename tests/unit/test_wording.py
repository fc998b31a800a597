"""Numbers and sentences in two languages, and where a number comes from."""

import pickle

import pytest

from reports import wording
from reports.html import marked
from reports.wording import Told, count, percent, say, seconds, speaking


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
