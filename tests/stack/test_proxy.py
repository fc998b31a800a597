"""The processes of the containers on loopback: two web processes behind nginx."""

import pytest

from scenarios.record import Samples
from tests.stack.rehearsing import BEHIND_NGINX, LATE, Done, rehearsed
from tests.tools import need

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """One whole rehearsal through nginx, looked at by several tests."""
    need("nginx", package="nginx-light")
    return rehearsed(tmp_path_factory.mktemp("proxy"), *BEHIND_NGINX)


def test_a_rehearsal_through_nginx_passes(done: Done) -> None:
    assert done.code in (0, LATE) and done.missed() == [], done.said
    assert done.document["fates"]["joined"] == done.document["planned"] > 3
    assert done.differences() == dict.fromkeys(done.document["ledgers"], 0)


def test_both_web_processes_answered(done: Done) -> None:
    """Each of many kinds of requests, photos among them, whichever process began them."""
    samples = Samples.load(done.run)
    answered: dict[str, float] = {}
    for labels, _, values in samples.select("registration_http_requests_total", job="web"):
        answered[labels["instance"]] = answered.get(labels["instance"], 0.0) + float(values[-1])
    assert len(answered) == 2 and min(answered.values()) > 0.1 * sum(answered.values())
    stored = [values[-1] for _, _, values in samples.select("registration_upload_bytes_total", job="web")]
    assert len(stored) == 2 and min(stored) > 0


def test_the_record_says_what_was_played_against(done: Done) -> None:
    config = done.config
    assert (config["stack"]["replicas"], config["stack"]["proxy"]) == (2, "nginx")
    assert {"web", "proxy"} <= config["cpu_s"].keys() and "web-2" not in config["cpu_s"]
    exits = {one["role"]: one["expected"] for one in config["exits"]}
    assert exits["web"] and exits["web-2"] and exits["proxy"]
    assert "2 of the web role behind nginx" in (done.run / "report.html").read_text()


def test_nginx_had_nothing_to_complain_about(done: Done) -> None:
    assert (done.run / "logs" / "proxy.log").read_text() == ""
    assert list((done.folder / ".launchnight" / "rehearsals").iterdir()) == []
