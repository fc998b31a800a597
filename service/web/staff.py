"""Who asks at the operators' listener: a person with a session, or a program with the token of the settings."""

import hmac
from collections.abc import Callable, Mapping
from typing import Annotated

from msgspec import Meta, Struct
from starlette.types import Receive, Scope

from service.actions import staff as actions
from service.actions.sign_ins import SignedIn, SignIns, Typed
from service.actions.staff import Actor
from service.domain.callers import network_of
from service.domain.errors import FieldFault, InvalidFields, NotSignedIn
from service.domain.staff import NAME_LENGTH, Role
from service.ports import Ports
from service.web.decoding import BodyDecoder
from service.web.http import ADDRESS_HEADER, LONGEST_ADDRESS, read_json

_LONGEST_TOKEN = 200


class Credentials(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH, pattern=r"^[^\x00-\x1f\x7f]*$")]
    password: Annotated[str, Meta(max_length=100)]
    code: Annotated[str, Meta(max_length=20)]


class Desk:
    """Signs the staff in, and knows who asks."""

    def __init__(self, ports: Ports, token: str, proxy: str, refused: Callable[[str], None]) -> None:
        """proxy: the address of what stands in front, empty: nothing does. refused: counts sign-ins, by reason."""
        self._ports = ports
        self._token = token.encode()
        self._proxy = proxy
        self._sign_ins = SignIns(ports.begin, ports.vault, ports.clock, refused)
        self._decode = BodyDecoder(Credentials, {})

    async def sign_in(self, scope: Scope, receive: Receive) -> SignedIn:
        headers = dict(scope["headers"])
        given: Credentials = self._decode(await read_json(receive, headers))
        network = network_of(self._address(scope, headers))
        return await self._sign_ins.sign_in(Typed(network, given.name.strip(), given.password, given.code))

    def _address(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """Where a request comes from. What a caller says of it counts only when the proxy has said it."""
        peer = str(scope["client"][0]) if scope.get("client") else ""
        if not self._proxy or peer != self._proxy:
            return peer
        return headers.get(ADDRESS_HEADER.lower().encode(), b"").decode("latin-1")[:LONGEST_ADDRESS] or peer

    async def actor(self, headers: Mapping[bytes, bytes]) -> Actor:
        """Raises NotSignedIn. A program says in the header `Operator` who is behind it; empty where it does not."""
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        given = given.strip()
        if scheme.lower() != b"bearer" or not 0 < len(given) <= _LONGEST_TOKEN:
            raise NotSignedIn("Send the header Authorization: Bearer TOKEN, of a session or of the settings.")
        if hmac.compare_digest(given, self._token):
            return Actor(_operator(headers), Role.OPERATOR, "program")
        return await actions.who_asks(self._ports.begin, self._ports.clock, given)


def _operator(headers: Mapping[bytes, bytes]) -> str:
    return headers.get(b"operator", b"").decode("utf-8", "replace").strip()


def demand_name(actor: Actor) -> None:
    """Whoever gives an order is named on the record. Raises InvalidFields."""
    if not 0 < len(actor.who) <= NAME_LENGTH or not actor.who.isprintable():
        raise InvalidFields([FieldFault("Operator", "missing", "The header says who you are.")])
