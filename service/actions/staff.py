"""The staff: adding and ending people, signing in with password and code, and who asks.

A password and the secret of the codes are told once, when they are made; nothing from which the password could be read
is kept, and the secret is sealed under a key outside the database.
"""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from service.actions.sessions import token_hash
from service.domain import staff as rules
from service.domain import totp
from service.domain.errors import LaunchnightError, NotSignedIn, Overloaded
from service.domain.staff import COST, Cost, Role
from service.domain.staff_errors import LastAdministrator, SignInRefused, TooManyStaffCodes
from service.ports import Begin, Clock, Vault, VaultError
from service.staff_ports import AuditEntry, StaffMember, StaffSession

SIGN_IN, SIGN_OUT = "sign-in", "sign-out"
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, and by which way they came."""

    who: str
    role: Role
    via: str
    """session, program or shell"""
    staff_id: UUID | None = None
    """Of people who signed in themselves."""
    session_id: UUID | None = None


def at_the_shell(who: str) -> Actor:
    """Whoever types a verb on a machine that holds the key and the address of the database may do everything alone,
    but for what two decide: there nobody can tell one person from two."""
    return Actor(who, Role.ADMINISTRATOR, "shell")


@dataclass(frozen=True, slots=True)
class Papers:
    """What a person is given, this once."""

    name: str
    role: str
    password: str
    secret: str
    address: str
    """Of the secret, as an authenticator app reads it."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    token: str
    """Opaque; given once, kept as a hash."""
    name: str
    role: str
    expires_at: str


def entry(actor: Actor, verb: str, outcome: str, request: str | None = None, /, **detail: object) -> AuditEntry:
    return AuditEntry(actor.who, actor.role.value, actor.via, verb, outcome, request, detail)


class Passwords:
    """Compares passwords in a thread, one at a time: a hash takes 32 MiB and a quarter second of a core, and the
    gate is led beside it."""

    AT_ONCE = 1
    MOST_WAITING = 10
    """Three seconds of waiting; more of the staff do not sign in in one moment, and whoever else does comes in vain."""

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


async def sign_in(
    begin: Begin, vault: Vault, clock: Clock, passwords: Passwords, name: str, password: str, code: str
) -> SignedIn:
    """A session of eight hours. Raises SignInRefused and TooManyStaffCodes, which are on the record, and Overloaded.

    An unknown name is not on the record: it may be a password in the wrong field.
    """
    async with begin(single=True) as tx:
        known = await tx.staff.find(name)
    right = await passwords.match(password, None if known is None else known.password)
    refusal: LaunchnightError | None = None
    answer: SignedIn | None = None
    async with begin() as tx:
        now = clock.now()
        member = None if known is None else await tx.staff.hold(name)
        actor = _actor_of(member)
        if member is None or known is None or not right or member.password != known.password:
            refusal = SignInRefused()
        elif wait := _guessing_wait_s(member, now):
            refusal = TooManyStaffCodes(retry_after_s=wait)
        elif (step := _accepted_step(vault, member, code, now)) == totp.NEVER:
            refusal = SignInRefused()
            await tx.staff.count_failure(member.id, now, window=rules.HOUR_S)
        else:
            await tx.staff.accept(member.id, step)
            session, token = _new_session(member, now), secrets.token_urlsafe(_TOKEN_BYTES)
            await tx.staff.open_session(token_hash(token.encode()), session)
            answer = SignedIn(token, member.name, member.role, session.expires_at.isoformat(timespec="seconds"))
        outcome = "done" if refusal is None else "refused"
        why = {} if refusal is None else {"refusal": refusal.code, "password": right}
        await tx.staff.note(entry(actor, SIGN_IN, outcome, **why))
    if answer is None:
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
        secret = vault.open(member.secret_sealed, _bound_to(member.name))
    except VaultError:  # the service has another master key: `staff reset` makes a new secret
        return totp.NEVER
    return totp.accepted_step(secret, code, now.timestamp(), member.last_step)


def _bound_to(name: str) -> bytes:
    return f"staff {name}".encode()


async def who_asks(begin: Begin, clock: Clock, token: bytes) -> Actor:
    """Whose session it is. Raises NotSignedIn."""
    async with begin(single=True) as tx:
        session = await tx.staff.session(token_hash(token), clock.now())
    if session is None:
        raise NotSignedIn("The session is unknown or over: sign in again with POST /sessions.")
    return Actor(session.name, Role(session.role), "session", session.staff_id, session.id)


async def sign_out(begin: Begin, clock: Clock, actor: Actor) -> None:
    """Whoever has a copy of the token is signed out too. A program has nothing to end."""
    if actor.session_id is None:
        return
    async with begin() as tx:
        if await tx.staff.end_session(actor.session_id, clock.now()) is not None:
            await tx.staff.note(entry(actor, SIGN_OUT, "done"))


# What is typed at the shell.


async def add(begin: Begin, vault: Vault, by: Actor, name: str, role: Role, cost: Cost = COST) -> Papers | None:
    """Somebody new, or back. None: there is one of this name."""
    papers, member = _new_papers(vault, name, role.value, cost)
    async with begin() as tx:
        added = await tx.staff.add(member)
        outcome = "done" if added else "refused"
        await tx.staff.note(entry(by, "staff-add", outcome, asked={"name": name, "role": role.value}))
    return papers if added else None


async def reset(begin: Begin, vault: Vault, clock: Clock, by: Actor, name: str, cost: Cost = COST) -> Papers | None:
    """Another password and secret, for who lost a phone; whoever is signed in under the name is out. None: nobody."""
    async with begin(single=True) as tx:
        known = await tx.staff.find(name)
    papers, member = _new_papers(vault, name, "" if known is None else known.role, cost)
    async with begin() as tx:
        staff_id = await tx.staff.renew(name, member.password, member.secret_sealed)
        if staff_id is not None:
            await tx.staff.end_sessions(staff_id, clock.now())
        outcome = "refused" if staff_id is None else "done"
        await tx.staff.note(entry(by, "staff-reset", outcome, asked={"name": name}))
    return None if staff_id is None else papers


async def end(begin: Begin, clock: Clock, by: Actor, name: str) -> bool:
    """They are out, and sign in no more. False: nobody of this name. Raises LastAdministrator."""
    asked = {"name": name}
    async with begin() as tx:
        administrators = await tx.staff.hold_administrators()
        last = list(administrators) == [name]
        staff_id = None if last else await tx.staff.end(name, clock.now())
        if staff_id is not None:
            await tx.staff.end_sessions(staff_id, clock.now())
        why = {"refusal": LastAdministrator.code} if last else {}
        await tx.staff.note(entry(by, "staff-end", "refused" if staff_id is None else "done", asked=asked, **why))
    if last:
        raise LastAdministrator(f"{name} is the only administrator: add another one first.")
    return staff_id is not None


def _new_papers(vault: Vault, name: str, role: str, cost: Cost) -> tuple[Papers, StaffMember]:
    """What is told, and what is kept of it."""
    password, secret = (
        rules.new_password(secrets.token_bytes(rules.PASSWORD_BYTES)),
        secrets.token_bytes(totp.SECRET_BYTES),
    )
    kept = rules.hashed(rules.read_password(password) or "", secrets.token_bytes(rules.SALT_BYTES), cost)
    sealed = vault.seal(secret, _bound_to(name))
    member = StaffMember(uuid4(), name, role, kept, sealed, totp.NEVER, 0, None)
    return Papers(name, role, password, totp.written(secret), totp.address(secret, name)), member
