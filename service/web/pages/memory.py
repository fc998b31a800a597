"""What a browser carries for its applicant: one cookie, sealed, so that pages need no store of their own."""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from service.domain.tickets import Shown
from service.ports import Vault, VaultError

_BOUND_TO = b"memory of the pages"
_LONGEST = 4096  # characters of a cookie that browsers keep


class Desk(msgspec.Struct, frozen=True):
    """The desk of a labor office, where one applicant sits down after another."""

    office_id: UUID
    name: str
    generation: int
    """Of the access code with which it signed in."""
    until: float
    """It is signed in until then, in seconds since 1970."""
    sitting: str
    """Another one for each applicant: forms of the one before are not taken any more."""


class Memory(msgspec.Struct, omit_defaults=True):
    """Empty = not there (yet). At most 2.5 KB when sealed: what people type is bounded by the types of the API."""

    ticket: str = ""
    secret: str = ""
    """Of the ticket."""
    place_token: str = ""
    """What was first promised of the wait, and later when the turn was told."""
    entry: str = ""
    """The pass that the claim gave."""
    name: str = ""
    phone: str = ""
    email: str = ""
    """As typed for the account, until the first sign-in: an address that turns out wrong is corrected, not retyped."""
    address: str = ""
    """Where the code went, in the form in which it is kept."""
    code_request: str = ""
    resend_at: float = 0.0
    """When the next send may be asked for, in seconds since 1970."""
    token: str = ""
    """Of the session."""
    complaint: int = 0
    """The number of the one that was filed or looked at here last."""
    complaint_secret: str = ""
    desk: Desk | None = None
    """None: no labor office is signed in here."""

    @property
    def shown(self) -> Shown:
        return Shown(self.ticket, self.secret)

    @property
    def sitting(self) -> str:
        return "" if self.desk is None else self.desk.sitting

    @property
    def is_vacant(self) -> bool:
        """It knows no applicant."""
        return self == Memory(desk=self.desk)

    def vacated(self) -> "Memory":
        """What is left when the applicant goes."""
        if self.desk is None:
            return Memory()
        return Memory(desk=msgspec.structs.replace(self.desk, sitting=new_sitting()))


def new_sitting() -> str:
    return secrets.token_urlsafe(6)


def is_loopback(host: str) -> bool:
    """Whether what listens there is reached from its own machine only."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class MemoryCookie:
    """Reads and writes the cookie. plain: for http on loopback, where no browser would keep a Secure one."""

    def __init__(self, vault: Vault, *, plain: bool) -> None:
        self._vault = vault
        self.name = "registration" if plain else "__Host-registration"
        self._attributes = "; Path=/; HttpOnly; SameSite=Lax" + ("" if plain else "; Secure")

    def read(self, header: bytes) -> Memory:
        """The memory in the header Cookie; an empty one when there is none, or when it is not ours."""
        value = _value_of(self.name, header)
        if not value or len(value) > _LONGEST:
            return Memory()
        try:
            sealed = urlsafe_b64decode(value + "=" * (-len(value) % 4))
            return msgspec.msgpack.decode(self._vault.open(sealed, _BOUND_TO), type=Memory)
        except (ValueError, VaultError):  # changed, cut, or of an earlier version
            return Memory()

    def header(self, memory: Memory, now: datetime, until: datetime) -> tuple[bytes, bytes]:
        """The header Set-Cookie that keeps `memory`, or forgets it when it is empty."""
        if memory == Memory():
            return b"set-cookie", f"{self.name}=; Max-Age=0{self._attributes}".encode()
        sealed = self._vault.seal(msgspec.msgpack.encode(memory), _BOUND_TO)
        value = urlsafe_b64encode(sealed).decode().rstrip("=")
        age = max(int((until - now).total_seconds()), 1)
        return b"set-cookie", f"{self.name}={value}; Max-Age={age}{self._attributes}".encode()


class MemoryCookies:
    """The cookie for each browser. loopback: our listener is reached from its own machine only.

    Who came to such a listener by a name of this machine speaks http with us. By any other name a proxy of this machine
    stands between, and TLS ends there.
    """

    def __init__(self, vault: Vault, *, loopback: bool) -> None:
        self._secure = MemoryCookie(vault, plain=False)
        self._plain = MemoryCookie(vault, plain=True) if loopback else self._secure

    def of(self, host: bytes) -> MemoryCookie:
        """host: the header Host."""
        return self._plain if is_loopback(_name_in(host)) else self._secure

    def person(self, headers: Mapping[bytes, bytes]) -> bytes:
        """What tells one browser from another at each stage; empty when it carries nothing."""
        memory = self.of(headers.get(b"host", b"")).read(headers.get(b"cookie", b""))
        return (memory.token or memory.entry or memory.ticket).encode()


def _name_in(host: bytes) -> str:
    try:
        return urlsplit(f"//{host.decode('latin-1')}").hostname or ""
    except ValueError:
        return ""


def _value_of(name: str, header: bytes) -> str:
    for pair in header.decode("latin-1").split(";"):
        key, _, value = pair.partition("=")
        if key.strip() == name:
            return value.strip()
    return ""
