"""Where connections start."""

import resource
import socket
import sys

import pytest

from loadtests import sources
from loadtests.sources import ANY, MOST, Sources, most_connections


def test_on_loopback_applicants_are_spread_and_an_office_has_one_address() -> None:
    spread = Sources((), "127.0.0.1")
    assert [spread.of(number) for number in (0, 1, 15, 16)] == [
        "127.77.0.1", "127.77.0.2", "127.77.0.16", "127.77.0.1",
    ]  # fmt: skip
    assert {spread.of(number, office=3) for number in range(50)} == {"127.78.0.4"}
    offices = {spread.of(0, office) for office in range(2000)}
    assert len(offices) == 2000
    assert not offices & set(spread.addresses)


def test_elsewhere_the_system_chooses() -> None:
    assert Sources((), "192.0.2.1").of(7) == ANY


def test_where_loopback_is_one_address_the_system_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert Sources((), "127.0.0.1").of(7) == ANY


def test_given_addresses_serve_applicants_and_offices() -> None:
    given = Sources(("127.0.0.1", "127.0.0.2"), "192.0.2.1")
    assert [given.of(number) for number in range(3)] == ["127.0.0.1", "127.0.0.2", "127.0.0.1"]
    assert given.of(0, office=5) == "127.0.0.2"


def test_of_the_given_addresses_those_of_this_machine_serve() -> None:
    """192.0.2.7 is kept for documentation, so no machine has it."""
    assert Sources(("192.0.2.7", "127.0.0.3"), "192.0.2.1").addresses == ("127.0.0.3",)


@pytest.mark.parametrize(
    ("given", "error", "fault"),
    [
        ("192.0.2.7", OSError, "this machine has none of the addresses 192.0.2.7"),
        ("somewhere", ValueError, "somewhere"),
        ("::1", ValueError, "::1 cannot reach 192.0.2.1"),
    ],
)
def test_addresses_that_cannot_serve_are_refused(given: str, error: type[Exception], fault: str) -> None:
    with pytest.raises(error, match=fault):
        Sources((given,), "192.0.2.1")


def test_bound_connections_start_where_they_should() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        sources.bind(client, "127.77.0.3")
        client.connect(server.getsockname())
        taken, address = server.accept()
        taken.close()
    assert address[0] == "127.77.0.3"


@pytest.mark.parametrize(("files", "most"), [(1024, 824), (100, 1), (1_000_000, MOST), (resource.RLIM_INFINITY, MOST)])
def test_the_bound_leaves_files_for_everything_else(files: int, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert most_connections() == most
