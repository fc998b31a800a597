"""Who asks: the bearer token of a session."""

from collections.abc import Mapping

from service.actions.sessions import token_hash
from service.domain.errors import NotSignedIn

_LONGEST = 200


def session_of(headers: Mapping[bytes, bytes]) -> bytes:
    """The hash of the bearer token. Raises NotSignedIn when there is none; whether it is valid the action finds out."""
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not token or len(token) > _LONGEST:
        raise NotSignedIn("Send the header Authorization: Bearer TOKEN.")
    return token_hash(token)
