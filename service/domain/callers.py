"""Who calls, as far as an address tells, and how much one address may ask of the staff's sign-in."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address

WRONG_OF_NAME = 5
"""Wrong passwords from one address for one name within WINDOW_S: whoever types mistakes by hand needs fewer."""
WRONG_OF_ADDRESS = 30
"""The same for all names: an office behind one address has some people, each with a mistake or two."""
AT_ONCE = 2
"""Passwords of one address that are compared or wait for it: whoever comes from elsewhere waits half a second longer
for all of its junk."""
WINDOW_S = 300.0
MOST_ADDRESSES = 10_000
"""That are remembered: 30 mistakes of each are some 50 MB at the most. Beyond it the one whose last mistake is oldest
is forgotten."""
_UNDER_WAY_S = 1.0


def network_of(address: str) -> str:
    """What callers are told apart by: IPv4 as it is, of IPv6 the first 64 bits.

    A household or a phone has all the rest to itself, and may take another address for each call. What is no address
    is taken as it is.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"


class Tries:
    """Sign-ins by network, and wrong passwords of each. A stranger shuts out nobody who comes from elsewhere.

    now: seconds, the same clock in all calls.
    """

    def __init__(self) -> None:
        self._wrong: dict[str, deque[tuple[float, str]]] = {}
        """Network -> when, and for which name; the one of the latest mistake last."""
        self._under_way: Counter[str] = Counter()

    def wait_s(self, network: str, name: str, now: float) -> float:
        """How long no password of this network is compared for this name; 0: now."""
        if self._under_way[network] >= AT_ONCE:
            return _UNDER_WAY_S
        wrong = [(at, each) for at, each in self._wrong.get(network, ()) if at > now - WINDOW_S]
        of_name = [at for at, each in wrong if each == name]
        waits = [0.0]
        if len(of_name) >= WRONG_OF_NAME:
            waits.append(of_name[-WRONG_OF_NAME] + WINDOW_S - now)
        if len(wrong) >= WRONG_OF_ADDRESS:
            waits.append(wrong[-WRONG_OF_ADDRESS][0] + WINDOW_S - now)
        return max(waits)

    @contextmanager
    def under_way(self, network: str) -> Iterator[None]:
        """A password of this network is being compared."""
        self._under_way[network] += 1
        try:
            yield
        finally:
            self._under_way[network] -= 1
            if not self._under_way[network]:
                del self._under_way[network]

    def mistake(self, network: str, name: str, now: float) -> None:
        """Name or password was wrong."""
        wrong = self._wrong.pop(network, None) or deque(maxlen=WRONG_OF_ADDRESS)
        wrong.append((now, name))
        self._wrong[network] = wrong
        if len(self._wrong) > MOST_ADDRESSES:
            del self._wrong[next(iter(self._wrong))]

    def forgive(self, network: str, name: str) -> None:
        """The right one came."""
        left = [each for each in self._wrong.pop(network, ()) if each[1] != name]
        if left:
            self._wrong[network] = deque(left, maxlen=WRONG_OF_ADDRESS)
