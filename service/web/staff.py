"""Who asks at the operators' listener: a person with a session, or a program with the token of the settings."""

import hmac
from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct
from starlette.types import Receive

from service.actions import staff as actions
from service.actions.staff import Actor, Passwords, SignedIn
from service.domain.errors import FieldFault, InvalidFields, NotSignedIn
from service.domain.staff import NAME_LENGTH, Role
from service.ports import Ports
from service.web.decoding import BodyDecoder
from service.web.http import read_json

_LONGEST_TOKEN = 200


class Credentials(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH, pattern=r"^[^\x00-\x1f\x7f]*$")]
    password: Annotated[str, Meta(max_length=100)]
    code: Annotated[str, Meta(max_length=20)]


class Desk:
    """Signs the staff in, and knows who asks."""

    def __init__(self, ports: Ports, token: str) -> None:
        self._ports = ports
        self._token = token.encode()
        self._passwords = Passwords()
        self._decode = BodyDecoder(Credentials, {})

    async def sign_in(self, receive: Receive, headers: Mapping[bytes, bytes]) -> SignedIn:
        given: Credentials = self._decode(await read_json(receive, headers))
        ports = self._ports
        return await actions.sign_in(
            ports.begin, ports.vault, ports.clock, self._passwords, given.name.strip(), given.password, given.code
        )

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
