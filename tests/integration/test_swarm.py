"""The swarm as Locust runs it, in one process and in several, against a real target."""

import csv
import json
import os
import signal
import socket
from contextlib import ExitStack
from urllib.request import urlopen

import numpy as np
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from loadtests.harness.processes import free_ports
from scenarios.fates import Fate, Furthest, Reason
from scenarios.record import read_people
from tests.integration.swarm_room import INVALID, PLANNED, QUICK, counts, eventually, swarm, target


def scraped(port: int) -> dict[str, float]:
    """Every unlabelled sample of a process's metrics."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {sample.name: sample.value for sample in samples if not sample.labels}


def test_everybody_joins_and_every_promise_is_on_record(tmp_path):
    """One process: fates, receipts, record and metrics agree with what the target counted; it exits 0."""
    port = free_ports(1)
    options = [*QUICK, "--swarm-metrics-port", str(port)]
    with target() as url, swarm(tmp_path, url, *options) as locust:
        ready = locust.say("ready")
        done = locust.say("done")
        # Still up for the last scrape.
        figures = scraped(port)
        assert locust.end() == 0
        seen = counts(url)
    assert (ready["planned"], ready["workers"], ready["metrics_ports"]) == (PLANNED, 1, [port])
    assert "swarm: the generator needs" in locust.errors.read_text()
    assert (done["ended"], done["fates"]["joined"]) == ("drained", PLANNED)
    assert figures["swarm_arrivals_total"] == PLANNED
    assert figures["swarm_live_applicants"] == 0
    told = json.loads((tmp_path / "run/receipts.json").read_text())
    assert {kind: len(set(each["acknowledged"])) for kind, each in told.items()} == {
        "accounts": seen["accounts"],
        "codes": seen["sessions"] + seen["phone"],
        "identity_checks": seen["identity"],
        "photos": seen["photos"],
        "joins": seen["joins"],
    }
    assert {each["unanswered"] for each in told.values()} == {0}
    people = read_people(tmp_path / "run")
    assert set(people["fate"]) == {Fate.JOINED}
    assert set(people["furthest"]) == {Furthest.WAVE_JOINED}
    stages = np.array([people[stage.column] for stage in Furthest if stage is not Furthest.NONE])
    assert (np.diff(stages, axis=0) >= 0).all()
    assert (people["started"] >= people["due"]).all()
    assert people["requests"].sum() == done["requests"] == sum(seen.values())
    np.testing.assert_allclose(people["wait_low"], 0.1)


def test_three_processes_play_the_same_plan(tmp_path):
    """Same seed, same hash as one process; each number once; every worker has figures of its own, and what each of
    them asked is in Locust's table."""
    options = [*QUICK, "--processes", "3", "--swarm-metrics-port", str(free_ports(4)), "--csv", str(tmp_path / "table")]
    with target() as url, swarm(tmp_path, url, *options) as locust:
        ready = locust.say("ready")
        done = locust.say("done")
        figures = [scraped(port) for port in ready["metrics_ports"]]
        assert locust.end() == 0
        seen = counts(url)
    with (tmp_path / "table_stats.csv").open() as table:
        asked = {row["Name"]: int(row["Request Count"]) for row in csv.DictReader(table)}
    assert asked["Aggregated"] == done["requests"] + done["onlookers"]["requests"]
    assert ready["workers"] == 3
    assert ready["plan_hash"] == "fbe7e2f954d323744f317f1a9682f844a79fe77dd461661c3c4852e362a1cd57"
    assert done["fates"]["joined"] == seen["joins"] == PLANNED
    assert [each["swarm_arrivals_total"] for each in figures] == [8, 8, 7]
    np.testing.assert_array_equal(read_people(tmp_path / "run")["number"], np.arange(PLANNED))


def test_a_bad_night_is_borne(tmp_path):
    """Errors, a full queue and uploads cut in the middle: people come back, photos go on where they were.

    Failed requests do not make the swarm fail: it did its job.
    """
    flags = ["--errors", "0.02", "--busy", "5", "--cut", "0.3"]
    with target(*flags) as url, swarm(tmp_path, url, *QUICK, "--drain-minutes", "0.7") as locust:
        done = locust.say("done")
        assert locust.end() == 0
        seen = counts(url)
    people = read_people(tmp_path / "run")
    fates = done["fates"]
    assert sum(fates.values()) == PLANNED
    assert fates["joined"] == seen["joins"] >= PLANNED - 5
    assert fates["cut"] == 0
    assert seen["cuts"] > 0
    assert people["photo_tries"].max() > 2
    assert people["retries"].sum() > 0
    # A photo whose answer was cut off is acknowledged later or left as unknown, never lost.
    told = json.loads((tmp_path / "run/receipts.json").read_text())["photos"]
    acknowledged = len(set(told["acknowledged"]))
    assert acknowledged <= seen["photos"] <= acknowledged + told["unanswered"]


def test_the_drain_limit_cuts_whoever_is_still_on_the_way(tmp_path):
    """No code ever comes: everybody has an account and waits; the limit ends it, each with one fate."""
    with target("--mute") as url, swarm(tmp_path, url, *QUICK, "--drain-minutes", "0.05") as locust:
        done = locust.say("done")
        assert locust.end() == 0
    assert (done["ended"], done["fates"]["cut"]) == ("limit", PLANNED)
    people = read_people(tmp_path / "run")
    assert set(people["furthest"]) == {Furthest.ACCOUNT_CREATED}
    assert not np.isnan(people["ended"]).any()


def test_a_request_that_is_out_when_the_run_ends_is_unknown(tmp_path):
    """It may have had its effect or not: neither acknowledged nor lost."""
    with target("--hang") as url, swarm(tmp_path, url, *QUICK, "--drain-minutes", "0.05") as locust:
        done = locust.say("done")
        assert locust.end() == 0
        asked = counts(url)["identity"]
    assert (done["ended"], done["fates"]["cut"]) == ("limit", PLANNED)
    told = json.loads((tmp_path / "run/receipts.json").read_text())
    assert told["identity_checks"] == {"acknowledged": [], "unanswered": asked}
    assert len(told["accounts"]["acknowledged"]) == PLANNED
    assert 0 < asked <= PLANNED


@pytest.mark.parametrize("processes", [[], ["--processes", "2"]])
def test_a_closed_lifeline_ends_all_and_keeps_a_partial_record(tmp_path, processes):
    """Whoever started the swarm is gone in mid-run: nothing is left running, what happened is on record."""
    with target("--mute") as url, swarm(tmp_path, url, *QUICK, *processes) as locust:
        locust.say("ready")
        eventually(lambda: counts(url).get("codes", 0) > 3, "somebody asked for a code")
        family = [psutil.Process(locust.process.pid), *psutil.Process(locust.process.pid).children(recursive=True)]
        assert locust.end() == 0
        eventually(lambda: not any(each.is_running() for each in family), "all processes ended")
        assert locust.say("done")["ended"] == "interrupted"
    people = read_people(tmp_path / "run")
    assert len(people["number"]) == PLANNED
    assert set(people["fate"]) == {Fate.CUT}
    assert (people["furthest"] == Furthest.ACCOUNT_CREATED).sum() > 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_being_told_to_end_keeps_a_partial_record(tmp_path, number):
    """Ctrl-C or a plain kill in mid-run: everybody has one fate on record, and it was no failure of the swarm.

    Also of a swarm that a script started in its background, deaf to Ctrl-C by birth.
    """
    with ExitStack() as stack:
        url = stack.enter_context(target("--mute"))
        heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            locust = stack.enter_context(swarm(tmp_path, url, *QUICK))
        finally:
            signal.signal(signal.SIGINT, heard)
        locust.say("ready")
        eventually(lambda: counts(url).get("codes", 0) > 3, "somebody asked for a code")
        locust.process.send_signal(number)
        assert locust.say("done")["ended"] == "interrupted"
        assert locust.end() == 0
    assert len(read_people(tmp_path / "run")["number"]) == PLANNED


def test_a_lost_worker_is_no_crash(tmp_path):
    """Whoever was on her way there is cut, whoever had not started is played by the other; all have one fate."""
    with target("--mute") as url, swarm(tmp_path, url, *QUICK, "--processes", "2", "--drain-minutes", "0.2") as locust:
        locust.say("ready")
        eventually(lambda: counts(url).get("codes", 0) > 3, "somebody asked for a code")
        os.kill(psutil.Process(locust.process.pid).children()[0].pid, signal.SIGKILL)
        done = locust.say("done")
        code = locust.end()
    (takeover,) = done["takeovers"]
    assert code == (INVALID if takeover["cut"] else 0)  # a single one is more than one in a hundred
    people = read_people(tmp_path / "run")
    assert (people["reason"] == Reason.WORKER_LOST).sum() == takeover["cut"]
    assert done["fates"]["cut"] == PLANNED == len(people["number"])
    assert not np.isnan(people["started"]).any()


def test_a_port_in_use_is_one_line_and_exit_2(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with swarm(tmp_path, "http://127.0.0.1:9", *QUICK, "--swarm-metrics-port", port) as locust:
            assert locust.process.wait(60) == 2
            assert locust.errors.read_text().splitlines() == [
                f"swarm: --swarm-metrics-port: {port} cannot be used (Address already in use); name another"
            ]


def test_wrong_settings_are_all_named_and_exit_2(tmp_path):
    options = ["--people", "7", "--pace", "0", "--reading", "mild", "--set", "rich"]
    with swarm(tmp_path, "http://127.0.0.1:9", *options) as locust:
        assert locust.process.wait(60) == 2
        said = locust.errors.read_text()
    for word in ("--people", "--pace", "--reading mild", "--set rich"):
        assert word in said
    assert "Traceback" not in said
