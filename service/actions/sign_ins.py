"""Signing the staff in, with password and code.

Comparing a password is dear on purpose, and anybody who reaches the listener can ask for it. So what one network may
ask is bounded before anything is compared: junk from one place keeps nobody out who comes from another.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from service.actions.sessions import token_hash
from service.actions.staff import Actor, bound_to, entry
from service.domain import staff as rules
from service.domain import totp
from service.domain.callers import Tries
from service.domain.errors import LaunchnightError, Overloaded
from service.domain.staff import COST, Role
from service.domain.staff_errors import SignInRefused, TooManySignIns, TooManyStaffCodes
from service.ports import Begin, Clock, Vault, VaultError
from service.staff_ports import StaffMember, StaffSession

SIGN_IN = "sign-in"
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody gave. network: where they come from, `service.domain.callers.network_of`."""

    network: str
    name: str
    password: str
    code: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    token: str
    """Opaque; given once, kept as a hash."""
    name: str
    role: str
    expires_at: str


class Passwords:
    """Compares passwords in a thread, one at a time: a hash takes 32 MiB and a quarter second of a core, and the
    gate is led beside it."""

    AT_ONCE = 1
    MOST_WAITING = 10
    """Three seconds of waiting; more of the staff do not sign in in one moment, and no address has more than two."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(self.AT_ONCE)
        self._waiting = 0

    async def match(self, typed: str, kept: str | None) -> bool:
        """Whether it is the password. None kept: it is not, and that takes as long. Raises Overloaded."""
        password = rules.read_password(typed)
        if self._waiting >= self.MOST_WAITING:
            raise Overloaded(retry_after_s=3.0)
        self._waiting += 1
        try:
            async with self._free:
                right = await asyncio.to_thread(rules.is_password, password or "", kept or _NOBODYS)
        finally:
            self._waiting -= 1
        return right and kept is not None and password is not None


_NOBODYS = f"scrypt${COST.n}${COST.r}${COST.p}${'00' * rules.SALT_BYTES}${'00' * 32}"
"""No password has this hash."""


class SignIns:
    """The sign-in of one listener, with what it remembers of those who try."""

    def __init__(
        self, begin: Begin, vault: Vault, clock: Clock, refused: Callable[[str], None] = lambda reason: None
    ) -> None:
        """refused: counts each one, by a reason of `service.metrics.SIGN_IN_REFUSALS`."""
        self._begin = begin
        self._vault = vault
        self._clock = clock
        self._refused = refused
        self._passwords = Passwords()
        self._tries = Tries()

    async def sign_in(self, typed: Typed) -> SignedIn:
        """A session of eight hours. Raises SignInRefused and TooManyStaffCodes, which are on the record; TooManySignIns
        and Overloaded, which a flood must not write there.

        An unknown name is not on the record: it may be a password in the wrong field.
        """
        now = self._clock.now().timestamp()
        if wait := self._tries.wait_s(typed.network, typed.name, now):
            self._refused("address")
            raise TooManySignIns(retry_after_s=wait)
        try:
            with self._tries.under_way(typed.network):
                return await self._try(typed)
        except Overloaded:
            self._refused("busy")
            raise

    async def _try(self, typed: Typed) -> SignedIn:
        async with self._begin(single=True) as tx:
            known = await tx.staff.find(typed.name)
        right = await self._passwords.match(typed.password, None if known is None else known.password)
        async with self._begin() as tx:
            now = self._clock.now()
            member = await tx.staff.hold(typed.name) if known is not None and right else None
            is_right = member is not None and known is not None and member.password == known.password
            refusal: LaunchnightError | None = None
            why = ""
            answer: SignedIn | None = None
            if member is None or not is_right:
                self._tries.mistake(typed.network, typed.name, now.timestamp())
                refusal, why = SignInRefused(), "password"
            elif wait := _guessing_wait_s(member, now):
                refusal, why = TooManyStaffCodes(retry_after_s=wait), "codes"
            elif (step := _accepted_step(self._vault, member, typed.code, now)) == totp.NEVER:
                refusal, why = SignInRefused(), "code"
                await tx.staff.count_failure(member.id, now, window=rules.HOUR_S)
            else:
                self._tries.forgive(typed.network, typed.name)
                await tx.staff.accept(member.id, step)
                session, token = _new_session(member, now), secrets.token_urlsafe(_TOKEN_BYTES)
                await tx.staff.open_session(token_hash(token.encode()), session)
                answer = SignedIn(token, member.name, member.role, session.expires_at.isoformat(timespec="seconds"))
            detail = {} if refusal is None else {"refusal": refusal.code, "password": is_right}
            outcome = "done" if refusal is None else "refused"
            await tx.staff.note(entry(_actor_of(known), SIGN_IN, outcome, **detail))
        if answer is None:
            self._refused(why)
            raise refusal or SignInRefused()
        return answer


def _actor_of(member: StaffMember | None) -> Actor:
    if member is None:
        return Actor("", Role.VIEWER, "session")
    return Actor(member.name, Role(member.role), "session", member.id)


def _new_session(member: StaffMember, now: datetime) -> StaffSession:
    expires_at = now + timedelta(seconds=rules.SESSION_S)
    return StaffSession(uuid4(), member.id, member.name, member.role, now, expires_at)


def _guessing_wait_s(member: StaffMember, now: datetime) -> float:
    age = 0.0 if member.failing_since is None else (now - member.failing_since).total_seconds()
    return rules.guessing_wait_s(member.failures, age)


def _accepted_step(vault: Vault, member: StaffMember, code: str, now: datetime) -> int:
    try:
        secret = vault.open(member.secret_sealed, bound_to(member.name))
    except VaultError:  # the service has another master key: `staff reset` makes a new secret
        return totp.NEVER
    return totp.accepted_step(secret, code, now.timestamp(), member.last_step)
