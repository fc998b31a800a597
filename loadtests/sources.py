"""Where the crowd's connections start: on loopback many addresses, elsewhere the machine's own or those given.

One address has some 28,000 ports towards a server, and a port rests for a minute after its use: a peak of 1,333 new
connections a second needs several. A labor office's applicants share one address, whoever of them is being served.
"""

import ipaddress
import resource
import socket as plain
import sys
from collections.abc import Sequence
from typing import Any

ANY = ""
"""No address of its own: the system chooses."""
MOST = 20_000
"""Connections of one process, whatever its limit of open files: two thirds of the ports of one address."""
_SPARE_FILES = 200
"""Open files of a process beside its connections."""
_ADDRESSES = 16
_APPLICANTS = "127.77.0"
_OFFICES = "127.78"
_BIND_ADDRESS_NO_PORT = 24
"""Linux's IP_BIND_ADDRESS_NO_PORT: the port is chosen when connecting, so that one port serves many servers."""


class Sources:
    """The addresses of one run."""

    def __init__(self, given: Sequence[str], target: str) -> None:
        """given: addresses of this machine, none = the usual; target: the host of the service's address.

        Raises OSError when one cannot be used here, ValueError when it is no address.
        """
        self._given = tuple(str(ipaddress.ip_address(each)) for each in given)
        self._own_offices = not given and _has_loopback_range(target)
        self.addresses = self._given
        if self._own_offices:
            self.addresses = tuple(f"{_APPLICANTS}.{last}" for last in range(1, _ADDRESSES + 1))
        for each in self._given:
            _try(each)

    def of(self, number: int, office: int = -1) -> str:
        """The address of applicant `number`; office: where somebody helps her, -1 = nobody does."""
        if not self.addresses:
            return ANY
        if office < 0:
            return self.addresses[number % len(self.addresses)]
        if not self._own_offices:
            return self.addresses[office % len(self.addresses)]
        return f"{_OFFICES}.{office // 250 % 250}.{office % 250 + 1}"


def bind(sock: Any, source: str) -> None:
    """Have `sock` start at `source` when it connects. Raises OSError."""
    if source != ANY:
        if sys.platform == "linux":
            sock.setsockopt(plain.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        sock.bind((source, 0))


def most_connections() -> int:
    """Connections that this process may have open at once, by its limit of open files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if files == resource.RLIM_INFINITY else max(1, min(MOST, files - _SPARE_FILES))


def _has_loopback_range(target: str) -> bool:
    """Whether all of 127.0.0.0/8 leads to `target`, as on Linux when it is this machine."""
    if sys.platform != "linux":
        return False
    try:
        found = plain.getaddrinfo(target, None, plain.AF_INET, plain.SOCK_STREAM)
    except OSError:
        return False
    return bool(found) and all(ipaddress.ip_address(each[4][0]).is_loopback for each in found)


def _try(address: str) -> None:
    family = plain.AF_INET6 if ":" in address else plain.AF_INET
    with plain.socket(family) as sock:
        try:
            sock.bind((address, 0))
        except OSError as fault:
            raise OSError(f"{address} is no address of this machine ({fault.strerror})") from None
