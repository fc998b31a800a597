"""What the work of a run was for: repeats, processor time by route and outcome, bytes, work for people who had left."""

from pathlib import Path

import numpy as np
import pytest

from reports import drawing, work
from reports.facts import Facts
from scenarios.record import Fate, Run, SamplesWriter
from tests.unit.synthetic_run import END_S, SyntheticRun
from tests.unit.told_numbers import assert_true, column

Counters = dict[str, float]
"""`name{label=value,...}` -> what it gained until the end."""

TROUBLE: Counters = {
    "swarm_requests_total{route=tickets,outcome=ok}": 100,
    "swarm_requests_total{route=place,outcome=ok}": 900,
    "swarm_requests_total{route=codes,outcome=ok}": 100,
    "swarm_requests_total{route=codes,outcome=busy}": 150,
    "swarm_requests_total{route=codes,outcome=error}": 30,
    "swarm_requests_total{route=codes,outcome=timeout}": 20,
    "swarm_first_requests_total{route=tickets}": 100,
    "swarm_first_requests_total{route=place}": 900,
    "swarm_first_requests_total{route=codes}": 100,
    "swarm_first_requests_total{route=join}": 0,
    "registration_http_measured_total{route=place,outcome=ok}": 180,
    "registration_http_cpu_seconds_total{route=place,outcome=ok}": 0.018,
    "registration_http_measured_total{route=codes,outcome=ok}": 20,
    "registration_http_cpu_seconds_total{route=codes,outcome=ok}": 0.04,
    "registration_http_measured_total{route=codes,outcome=busy}": 30,
    "registration_http_cpu_seconds_total{route=codes,outcome=busy}": 0.015,
    "registration_http_measured_total{route=codes,outcome=left}": 10,
    "registration_http_cpu_seconds_total{route=codes,outcome=left}": 0.027,
    "registration_http_measured_total{route=pages,outcome=ok}": 0,
    "registration_http_cpu_seconds_total{route=pages,outcome=ok}": 0,
    "swarm_photo_bytes_total{bytes=sent}": 1000,
    "swarm_photo_bytes_total{bytes=stored}": 700,
    "registration_upload_bytes_total": 900,
    "swarm_codes_delivered_total{reader=awaited}": 90,
    "swarm_codes_delivered_total{reader=unread}": 10,
    "registration_queue_jobs_total{queue=sms,outcome=done}": 95,
    "registration_queue_jobs_total{queue=sms,outcome=dropped}": 5,
}


def facts_of(folder: Path, counters: Counters, run: SyntheticRun | None = None, job: str = "any") -> Facts:
    (run or SyntheticRun(planned=100)).write(folder)
    writer = SamplesWriter()
    for t in np.linspace(0.0, END_S, 131):
        for series, total in counters.items():
            name, _, labels = series.rstrip("}").partition("{")
            of = dict(pair.split("=") for pair in filter(None, labels.split(",")))
            writer.add(float(t), name, {"job": job, "instance": "one", **of}, total * float(t) / END_S)
    writer.write(folder)
    return Facts(Run.load(folder))


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    return facts_of(tmp_path, TROUBLE)


def test_repeats_show_at_their_step(facts: Facts) -> None:
    """Three requests for each first attempt at a code; looking again in line, as told, is none."""
    table = work.attempts(facts)
    assert table is not None
    each = column(table, "for each first")
    assert each == pytest.approx({"waiting room": 1.0, "one-time codes": 3.0, "all steps": 1300 / 1100})
    assert column(table, "turned away") == pytest.approx({"waiting room": 0, "one-time codes": 150, "all steps": 150})
    assert column(table, "failed") == pytest.approx({"waiting room": 0, "one-time codes": 50, "all steps": 50})
    whole = work.amplification(facts)
    assert whole is not None and whole.value == pytest.approx(1300 / 1100)


def test_every_number_comes_out_of_the_record(facts: Facts) -> None:
    shown = (work.attempts(facts), work.processor_time(facts), work.time_sentences(facts), work.photo_bytes(facts),
             work.for_nobody(facts))  # fmt: skip
    assert assert_true(facts.run.folder, *shown) > 40


def test_processor_time_by_route_and_outcome(facts: Facts) -> None:
    """The dearest route first; what it took for a good answer, for another one, and for nobody."""
    table = work.processor_time(facts)
    assert table is not None
    assert [row[0] for row in table.rows] == ["codes", "place", "all routes"]
    assert column(table, "answered well") == pytest.approx({"codes": 0.002, "place": 0.0001, "all routes": 0.058 / 200})
    assert column(table, "refused, busy or error")["codes"] == pytest.approx(0.0005)
    assert column(table, "nobody waited")["codes"] == pytest.approx(0.0027)
    assert column(table, "share of all") == pytest.approx({"codes": 0.82, "place": 0.18, "all routes": 1.0})


def test_repeats_are_weighed_by_what_their_route_takes(facts: Facts) -> None:
    """200 repeats of a dear route among 900 requests of a cheap one: few requests, and half of the work."""
    dear, cheap = 0.082 / 60, 0.018 / 180
    assert work.repeated_share(facts) == pytest.approx(200 * dear / (300 * dear + 900 * cheap))


def test_the_requests_share_of_the_web_role(tmp_path: Path) -> None:
    """0.1 s in the 240 measured of 1,200 requests are half a second of the two that the processes used."""
    more = {"registration_http_requests_total": 1200.0, "registration_process_cpu_seconds_total": 2.0}
    facts = facts_of(tmp_path, {**TROUBLE, **more}, job="web")
    assert work.share_of_process(facts) == pytest.approx(0.1 * 1200 / 240 / 2)
    assert "about 25 % of the web role" in work.time_sentences(facts)[0]


def test_bytes_that_were_of_no_use(facts: Facts) -> None:
    table = work.photo_bytes(facts)
    assert table is not None
    assert column(table, "bytes") == pytest.approx(
        {
            "sent by phones": 1000,
            "of photos that arrived whole": 700,
            "sent for nothing": 300,
            "among these: lost with a broken line, and sent again": 100,
            "among these: taken and never part of a photo": 200,
        }
    )


def test_a_service_that_forgot_what_it_took_tells_no_halves(tmp_path: Path) -> None:
    """A killed process takes its counter with it; the whole is the swarm's own count."""
    table = work.photo_bytes(facts_of(tmp_path, {**TROUBLE, "registration_upload_bytes_total": 300}))
    assert table is not None and len(table.rows) == 3
    assert work.photo_bytes(facts_of(tmp_path, {"swarm_photo_bytes_total{bytes=sent}": 0})) is None


def test_work_for_people_who_left(tmp_path: Path) -> None:
    """A quarter of the people give up after half of the requests that the others make."""
    run = SyntheticRun(planned=100)
    run.people["fate"][:25] = Fate.FAILED
    run.people["requests"][:] = 40
    run.people["requests"][:25] = 20
    table = work.for_nobody(facts_of(tmp_path, TROUBLE, run))
    share, much = column(table, "of all"), column(table, "how much")
    assert share["requests of people who did not join"] == pytest.approx(500 / 3500)
    assert much["photos stored for people who did not join"] == 50
    assert share["codes delivered to nobody who waited"] == pytest.approx(0.1)
    assert share["answers made after the client had gone, among those measured"] == pytest.approx(10 / 240)
    assert share["spared: jobs dropped because the asker had left"] == pytest.approx(0.05)


def test_goodput_is_what_was_done_well_by_the_second(facts: Facts) -> None:
    """Steady load: each rate is what all the run's requests are by the second, whatever the rhythm of the scrapes."""
    with drawing.styled():
        picture = work.goodput(facts)
    assert picture is not None
    asked, first, well = (list(column(picture.table, head).values()) for head in ("asked", "first attempts",
                                                                                  "answered well"))  # fmt: skip
    for rates, requests in ((asked, 1300), (first, 1100), (well, 1100)):
        assert rates[2:-2] == pytest.approx([requests / END_S] * (len(rates) - 4), rel=0.01)
    assert picture.svg.startswith("<svg")


def test_an_older_record_says_what_it_does_not_know(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, {"swarm_requests_total{route=codes,outcome=ok}": 10})
    assert work.amplification(facts) is None and work.attempts(facts) is None
    assert work.processor_time(facts) is None and work.time_sentences(facts) == []
    view = work.view(facts)
    assert view["amplified"] is None
    assert [picture.id for picture in view["pictures"]] == ["goodput"]
