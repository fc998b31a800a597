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
        """given: addresses to start at, none = the usual; target: the address of the service.

        Of the given ones those are used that this machine has: several machines may be told the same. Raises OSError
        when it has none of them, ValueError for what is no address, or of another version than the target's.
        """
        at = ipaddress.ip_address(target.partition("%")[0])
        known = [ipaddress.ip_address(each.strip()) for each in given]
        for each in known:
            if each.version != at.version:
                raise ValueError(f"{each} cannot reach {at}: the one is IPv{each.version}, the other IPv{at.version}")
        self.addresses = tuple(str(each) for each in known if _is_own(each))
        if known and not self.addresses:
            raise OSError(f"this machine has none of the addresses {', '.join(map(str, known))}")
        self._own_offices = not known and at.version == 4 and at.is_loopback and sys.platform == "linux"
        if self._own_offices:
            self.addresses = tuple(f"{_APPLICANTS}.{last}" for last in range(1, _ADDRESSES + 1))

    def of(self, number: int, office: int = -1) -> str:
        """The address of applicant `number`; office: where somebody helps her, -1 = nobody does."""
        if not self.addresses:
            return ANY
        if office < 0:
            return self.addresses[number % len(self.addresses)]
        if not self._own_offices:
            return self.addresses[office % len(self.addresses)]
        return f"{_OFFICES}.{office // 250 % 250}.{office % 250 + 1}"


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


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


def _is_own(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    with plain.socket(plain.AF_INET if address.version == 4 else plain.AF_INET6) as sock:
        try:
            sock.bind((str(address), 0))
        except OSError:
            return False
    return True
