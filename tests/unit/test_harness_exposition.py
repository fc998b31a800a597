"""The hand-written reader of Prometheus text."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from loadtests.harness import exposition


@pytest.mark.parametrize(
    ("line", "name", "labels", "value"),
    [
        ("up 1", "up", {}, 1.0),
        ('a_total{x="1",y="b c"} 2.5', "a_total", {"x": "1", "y": "b c"}, 2.5),
        ('a{le="+Inf"} 7 1586606400000', "a", {"le": "+Inf"}, 7.0),
        ('a{b="} 3"} 4', "a", {"b": "} 3"}, 4.0),
        (r'a{b="say \"x\"\\\n"} 1e3', "a", {"b": 'say "x"\\\n'}, 1000.0),
        ("a{} 1", "a", {}, 1.0),
        ("a -Inf", "a", {}, -math.inf),
    ],
)
def test_a_line_gives_name_labels_and_value(line: str, name: str, labels: dict[str, str], value: float) -> None:
    """Every form of a sample line, timestamps left out."""
    series, read = exposition.split(line)
    assert exposition.series_of(series) == (name, tuple(labels.items()))
    assert read == value


@pytest.mark.parametrize("line", ["a", "a{} ", 'a{b="c"} x'])
def test_a_line_without_a_value_is_refused(line: str) -> None:
    with pytest.raises(exposition.ExpositionError):
        exposition.split(line)


@pytest.mark.parametrize("series", ["a{b=c}", 'a{b="c}', 'a{="c"}'])
def test_broken_labels_are_refused(series: str) -> None:
    with pytest.raises(exposition.ExpositionError):
        exposition.series_of(series)


@given(st.dictionaries(st.sampled_from(["one", "two", "three"]), st.text(max_size=8), min_size=3, max_size=3))
def test_reads_what_the_client_library_writes(labels: dict[str, str]) -> None:
    """The same samples as the library's own parser, whatever stands in a label."""
    registry = CollectorRegistry()
    Gauge("g", "help", sorted(labels), registry=registry).labels(**labels).set(1.5)
    Histogram("h_seconds", "help", sorted(labels), registry=registry).labels(**labels).observe(0.3)
    text = generate_latest(registry).decode()
    theirs = {
        (sample.name, tuple(sorted(sample.labels.items())), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    ours = set()
    for line in text.split("\n"):
        if line and not line.startswith("#"):
            series, value = exposition.split(line)
            name, own = exposition.series_of(series)
            ours.add((name, tuple(sorted(own)), value))
    assert ours == theirs
