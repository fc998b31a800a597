"""Where the proxy listens and where it leads to."""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass

MOST_PORT = 65535


class NoAddress(ValueError):
    """The text is no address; says what it must be."""


@dataclass(frozen=True)
class Tcp:
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    async def connect(self) -> socket.socket:
        """A connected socket that does not block. Raises OSError."""
        loop = asyncio.get_running_loop()
        fault: OSError | None = None
        for family, place in await self._places():
            connecting = socket.socket(family, socket.SOCK_STREAM)
            try:
                connecting.setblocking(False)
                await loop.sock_connect(connecting, place)
            except OSError as error:
                connecting.close()
                fault = error
            except BaseException:
                connecting.close()
                raise
            else:
                send_at_once(connecting)
                return connecting
        raise fault or OSError(f"{self.host} has no address")

    async def _places(self) -> list[tuple[int, tuple[str, int]]]:
        """Families and addresses to try in turn; only a name is looked up."""
        try:
            numeric = ipaddress.ip_address(self.host)
        except ValueError:
            found = await asyncio.get_running_loop().getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            return [(family, (str(place[0]), self.port)) for family, _, _, _, place in found]
        return [(socket.AF_INET6 if numeric.version == 6 else socket.AF_INET, (self.host, self.port))]


@dataclass(frozen=True)
class Unix:
    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"

    async def connect(self) -> socket.socket:
        """A connected socket that does not block. Raises OSError."""
        connecting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connecting.setblocking(False)
            await asyncio.get_running_loop().sock_connect(connecting, self.path)
        except BaseException:
            connecting.close()
            raise
        return connecting


def send_at_once(tcp: socket.socket) -> None:
    """Small writes must leave as they come: what delays them is the toxics' business."""
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def parse(text: str) -> Tcp | Unix:
    """HOST:PORT, [IPv6]:PORT or unix:PATH. Raises NoAddress."""
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not 1 <= len(path.encode()) <= 107:  # what the kernel's sun_path holds
            raise NoAddress("a socket's path has 1 to 107 bytes")
        return Unix(path)
    return parse_tcp(text)


def parse_tcp(text: str) -> Tcp:
    """HOST:PORT or [IPv6]:PORT. Raises NoAddress."""
    host, _, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not bare or (":" in bare) != host.startswith("["):
        raise NoAddress(f"must be HOST:PORT (an IPv6 address in brackets), not {text!r}")
    try:
        bare.encode("idna")
    except UnicodeError:
        raise NoAddress(f"{bare!r} is no name of a host") from None
    return Tcp(bare, parse_port(port))


def parse_port(text: str) -> int:
    """Raises NoAddress."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= MOST_PORT):
        raise NoAddress(f"a port is a whole number from 0 to {MOST_PORT}, not {text!r}")
    return int(text)
