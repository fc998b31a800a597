"""Our upload server alone does what tus 1.0.0 demands; and a server that does nothing keeps nothing."""

import itertools
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.uploads.conformance import matrix
from tests.uploads.conformance.core import KNOWN
from tests.uploads.conformance.speaker import Speaker
from tests.uploads.conformance.table import CASES, Outcome, Verdict, outcome
from tests.uploads.servers import MOST_BYTES

_QUICK = [case for case in CASES if not case.slow]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_local(local, case):
    """Each demand is kept on the local disk."""
    assert outcome(case, local.speaker) == Outcome(Verdict.KEPT)


def test_there_are_many_cases():
    """One for each demand, each said in words of its own."""
    assert len(CASES) >= 60
    demands = [(case.section.title, case.demand) for case in CASES]
    assert all(demand for _, demand in demands)
    assert len(set(demands)) == len({case.name for case in CASES}) == len(CASES)


def test_the_page_is_of_these_cases():
    """docs/uploads_matrix.md was made from this table, and shows no deviation of ours."""
    text = matrix.PAGE.read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ") and line.split(" | ")[1] in ("MUST", "SHOULD")]
    assert [row.split(" | ")[0].removeprefix("| ").replace("\\|", "|") for row in rows] == [c.demand for c in CASES]
    assert all(row.split(" | ")[2] == row.split(" | ")[3] == "yes" for row in rows)
    assert f"{len(CASES)} demands" in matrix.PAGE.with_name("uploads.md").read_text()


# Negative control: servers that keep no demand, each in its way


class _Yes(BaseHTTPRequestHandler):
    """Says yes to everything, and does nothing."""

    protocol_version = "HTTP/1.1"
    numbers = itertools.count()

    def handle_one_request(self) -> None:
        super().handle_one_request()
        self.close_connection = True

    def _yes(self) -> None:
        self.send_response(self.status())
        for name, value in self.answer_headers().items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def status(self) -> int:
        return {"POST": 201, "PATCH": 204, "DELETE": 204}.get(self.command, 200)

    def answer_headers(self) -> dict[str, str]:
        return {
            "Location": f"/files/{next(self.numbers):032x}",
            "Tus-Extension": ",".join(sorted(KNOWN)),
            "Tus-Checksum-Algorithm": "SHA1",
            "Upload-Offset": "1",
            "X-Smuggled": "1",
        }

    do_OPTIONS = do_HEAD = do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _yes

    def log_message(self, *_: object) -> None:
        pass


class _No(_Yes):
    """Refuses everything, for reasons of its own."""

    def status(self) -> int:
        return 500

    def answer_headers(self) -> dict[str, str]:
        answer = super().answer_headers()
        return {**answer, "Tus-Extension": f"{answer['Tus-Extension']},frobnication"}


class _Quiet(ThreadingHTTPServer):
    """Clients that go without an answer are no news."""

    def handle_error(self, *_: object) -> None:
        pass


def _deviating(handler: type[BaseHTTPRequestHandler]) -> set[str]:
    """The cases that see a server with this handler do something else."""
    with _Quiet(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/files/"
            tus = Speaker(url, MOST_BYTES, url, patience=0.05)
            return {case.name for case in _QUICK if outcome(case, tus).verdict is Verdict.DEVIATES}
        finally:
            server.shutdown()
            thread.join()


def test_servers_that_do_nothing_are_seen():
    """Negative control: each case deviates on a server that says yes to everything or on one that says no."""
    assert _deviating(_Yes) | _deviating(_No) == {case.name for case in _QUICK}
