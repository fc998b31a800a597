"""A request that creates an effect is answered once: the same key sent again finds the first answer.

The answer is stored in the effect's own transaction. Nothing is looked up beforehand: of two requests with one key the
second meets a refusal (the effect is there, or the answer is), rolls back, and is given the stored answer. So the
common case costs one insert.

When nobody said what became of the commit, it is found out: whoever is storing the answer is waited for, then it is
there or it is not. Only then may the effect be begun again.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256

from service.actions.again import again
from service.domain.errors import (
    DatabaseFailure,
    DatabaseUnavailable,
    EffectUnknown,
    IdempotencyKeyReused,
    LaunchnightError,
)
from service.ports import Ports, StoredAnswer, Transaction


class Once:
    """One such request.

    route and key name it together with `principal`, which the action sets when it knows who asks: the account, the
    ticket, or b"" for nobody in particular. fingerprint: SHA-256 of what was asked.
    refusal: what the action will raise when its transaction, which counts a wrong try, is committed. Told whatever
    became of that commit: nothing is stored that would tell, and done again, one try might count as two.
    """

    __slots__ = ("_encode", "_fingerprint", "_key", "_route", "_status", "principal", "refusal")

    def __init__(
        self, *, route: bytes, key: bytes, fingerprint: bytes, status: int, encode: Callable[[object], bytes]
    ) -> None:
        self._route = route
        self._key = key
        self._fingerprint = fingerprint
        self._status = status
        self._encode = encode
        self.principal: bytes | None = None
        self.refusal: LaunchnightError | None = None

    def name(self, principal: bytes) -> bytes:
        """32 bytes that no other route, principal or key has."""
        head = b"%d %d " % (len(self._route), len(principal))  # lengths in front: no two triples give the same bytes
        return sha256(head + self._route + principal + self._key).digest()

    def _scope(self) -> bytes:
        assert self.principal is not None, "the action says who asks before it keeps an answer"
        return self.name(self.principal)

    async def keep(self, tx: Transaction, answer: object) -> StoredAnswer:
        """Store `answer` with the effect. Raises DuplicateAnswer when another request stored one first."""
        stored = self.unstored(answer)
        await tx.answers.add(self._scope(), stored)
        return stored

    def unstored(self, answer: object) -> StoredAnswer:
        """`answer` in the same form, not kept: the effect itself says it again."""
        return StoredAnswer(self._fingerprint, self._status, self._encode(answer))

    async def stored(self, tx: Transaction) -> StoredAnswer | None:
        """The answer stored before. Raises IdempotencyKeyReused when it belongs to another request."""
        answer = await tx.answers.find(self._scope())
        if answer is not None and answer.fingerprint != self._fingerprint:
            raise IdempotencyKeyReused("Use a new key for a new request.")
        return answer

    async def settled(self, tx: Transaction) -> StoredAnswer | None:
        """As `stored`, after waiting for whoever is storing one. Raises EffectUnknown when that cannot be told."""
        if not await tx.answers.is_settled(self._scope()):
            raise EffectUnknown
        return await self.stored(tx)


async def answered_once(ports: Ports, once: Once, perform: Callable[[], Awaitable[StoredAnswer]]) -> StoredAnswer:
    """What `perform` answers, or the answer that was stored for the same request before."""

    async def certainly() -> StoredAnswer:
        try:
            return await perform()
        except EffectUnknown as unknown:
            return await _settle(ports, once, unknown)

    try:
        return await again(ports, certainly)
    except DatabaseFailure:
        raise  # a second look would only add to the trouble
    except LaunchnightError:
        if once.principal is None:  # refused before anything could have been done
            raise
        async with ports.begin(single=True) as tx:
            answer = await once.stored(tx)
        if answer is None:
            raise
        return answer


async def _settle(ports: Ports, once: Once, unknown: EffectUnknown) -> StoredAnswer:
    """The answer, when it was stored after all.

    Raises DatabaseUnavailable when nothing was done, so that it may be begun again; `unknown` when the database does
    not tell; the refusal that the action was about to raise.
    """
    if once.refusal is not None:
        raise once.refusal from unknown
    if once.principal is None:  # it broke while somebody only looked
        raise DatabaseUnavailable(retry_after_s=unknown.retry_after_s, again=unknown.again) from unknown
    try:
        async with ports.begin() as tx:
            answer = await once.settled(tx)
    except DatabaseFailure:
        raise unknown from None
    ports.settled(answer is not None)
    if answer is None:
        raise DatabaseUnavailable(retry_after_s=unknown.retry_after_s, again="commit_undone") from unknown
    return answer
