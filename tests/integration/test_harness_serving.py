"""The ports of `launchnight serve`."""

import pytest

from loadtests.harness.errors import Refusal
from loadtests.harness.serving import check_ports


def test_ports_that_are_free_are_taken() -> None:
    check_ports([("--port", "127.0.0.1", "0"), ("--partners-port", "127.0.0.1", "0")])


@pytest.mark.parametrize("text", ["abc", "-1", "65536", "", "1.5"])
def test_no_port_is_refused_with_its_option(text: str) -> None:
    with pytest.raises(Refusal, match=r"^--port: must be a whole number from 0 to 65535"):
        check_ports([("--port", "127.0.0.1", text)])


def test_one_port_for_both_is_refused() -> None:
    with pytest.raises(Refusal, match="--partners-port: port 1 is that of --port already"):
        check_ports([("--port", "127.0.0.1", "1"), ("--partners-port", "127.0.0.1", "1")])
