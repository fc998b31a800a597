"""What a page is made of: how it is shown, which forms it takes, and the visit that both of them see."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
from starlette.types import Receive, Scope

from service.actions.once import Once, answered_once
from service.actions.sessions import token_hash
from service.domain.errors import (
    FieldFault,
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
    LaunchnightError,
    NotSignedIn,
)
from service.ports import Ports, StoredAnswer
from service.room_ports import Room
from service.web.board import BoardCopy
from service.web.decoding import Check
from service.web.idempotency import encode, key_of
from service.web.operation import NoBody, bounded_number
from service.web.pages.language import Language
from service.web.pages.memory import Memory

T = TypeVar("T")

_KEY_REFUSED = (IdempotencyKeyInvalid, IdempotencyKeyReused)


@dataclass(frozen=True, slots=True)
class View:
    """A page to render. refresh_s: when a waiting page asks for itself again. kept: how long caches keep a public page,
    as Cache-Control; empty: a minute."""

    template: str
    facts: Mapping[str, object] = field(default_factory=dict)
    refresh_s: float | None = None
    kept: bytes = b""


@dataclass(frozen=True, slots=True)
class Go:
    """The way on: 303 to the page with this slug, in the same language."""

    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form of a page; its hidden field `form` names it."""

    act: "Callable[[Visit, Any], Awaitable[Go]]"
    """Given the visit and a decoded `body`. What it raises is shown on the page, what was typed still there."""
    body: type[msgspec.Struct] = NoBody
    checks: Mapping[str, Check] = field(default_factory=dict)
    also: Callable[[Mapping[str, str]], list[FieldFault]] | None = None
    """Faults that lie between fields, told together with those of single ones."""
    blames: Mapping[type[LaunchnightError], str] = field(default_factory=dict)
    """The field beside which such a refusal is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """slug: below the language's prefix, with Starlette's path parameters: "tes/{number}"."""

    slug: str
    show: "Callable[[Visit], Awaitable[View | Go]]"
    """GET, and after a refused form. It never changes anything but the visit's memory."""
    forms: Mapping[str, Form] = field(default_factory=dict)
    post: "Callable[[Visit], Awaitable[Go]] | None" = None
    """Instead of `forms`: a POST whose body the page reads itself from `visit.receive`."""
    public: bool = False
    """The same for everybody, and kept by caches: it sees no memory."""


@dataclass(slots=True, kw_only=True)
class Visit:
    """One request as a page sees it."""

    ports: Ports
    board: BoardCopy
    language: Language
    scope: Scope
    receive: Receive
    headers: Mapping[bytes, bytes]
    memory: Memory
    """Change it at will: the answer carries it back to the browser."""
    form: str = ""
    """The form that was sent; empty on a GET."""
    typed: Mapping[str, str] = field(default_factory=dict)
    """All fields as they were typed."""
    closes: bool = False
    """Part of a body may still be on its way: the answer ends the connection."""
    refusal: LaunchnightError | None = None
    """Why the form was refused, while the page is shown again."""

    @property
    def room(self) -> Room:
        """The waiting room. Raises DatabaseUnavailable before the board's first refresh."""
        return self.board.room

    @property
    def session(self) -> bytes:
        """For actions. Raises NotSignedIn when there is none, which leads to signing in."""
        if not self.memory.token:
            raise NotSignedIn
        return token_hash(self.memory.token.encode())

    def number(self, name: str, low: int, high: int) -> int:
        """A number of the path. Raises NotFound when it is none, or outside its bounds."""
        return bounded_number(self.scope["path_params"][name], low, high)

    def once_key(self) -> str:
        """For the hidden field `once`: a refused form keeps its key, because its fate can be unknown."""
        key = self.typed.get("once")
        if not key or isinstance(self.refusal, _KEY_REFUSED):
            return f"{self.memory.sitting}.{secrets.token_urlsafe(16)}"
        return key

    def check_sitting(self, shown_to: str) -> None:
        """Raises IdempotencyKeyInvalid for a form that was shown to the applicant who sat here before.

        A browser remembers what was typed into a refused form, and sends it again when somebody goes back to it.
        """
        if shown_to != self.memory.sitting:
            self.typed = {}
            raise IdempotencyKeyInvalid("The form was shown to somebody else.")

    async def once(
        self, answer: type[T], act: Callable[[Once], Awaitable[StoredAnswer]], asked: object = None, *, part: str = ""
    ) -> T:
        """What the action answers, performed once however often the form is sent.

        asked: what the person asked for; under the same key another question is refused.
        part: tells two effects of one form apart.
        Raises IdempotencyKeyMissing, IdempotencyKeyInvalid, IdempotencyKeyReused, and what `act` raises.
        """
        key = key_of({b"idempotency-key": self.typed["once"].encode()} if self.typed.get("once") else {})
        path = self.scope["path"].removeprefix(self.language.prefix)
        once = Once(
            route=f"page {path} {self.form} {part}".encode(),
            key=key,
            fingerprint=sha256(encode(asked)).digest(),
            status=200,
            encode=encode,
        )
        stored = await answered_once(self.ports, once, lambda: act(once))
        return msgspec.json.decode(stored.body, type=answer)
