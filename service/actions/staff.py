"""The staff: adding and ending people, and who asks. Signing in: service/actions/sign_ins.py.

A password and the secret of the codes are told once, when they are made; nothing from which the password could be read
is kept, and the secret is sealed under a key outside the database.
"""

import secrets
from dataclasses import dataclass
from uuid import UUID, uuid4

from service.actions.sessions import token_hash
from service.domain import staff as rules
from service.domain import totp
from service.domain.errors import NotSignedIn
from service.domain.staff import COST, Cost, Role
from service.domain.staff_errors import LastAdministrator
from service.ports import Begin, Clock, Vault
from service.staff_ports import AuditEntry, StaffMember

SIGN_OUT = "sign-out"


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


def entry(actor: Actor, verb: str, outcome: str, request: str | None = None, /, **detail: object) -> AuditEntry:
    return AuditEntry(actor.who, actor.role.value, actor.via, verb, outcome, request, detail)


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


def bound_to(name: str) -> bytes:
    """What the sealed secret of a person is bound to."""
    return f"staff {name}".encode()


def _new_papers(vault: Vault, name: str, role: str, cost: Cost) -> tuple[Papers, StaffMember]:
    """What is told, and what is kept of it."""
    password, secret = (
        rules.new_password(secrets.token_bytes(rules.PASSWORD_BYTES)),
        secrets.token_bytes(totp.SECRET_BYTES),
    )
    kept = rules.hashed(rules.read_password(password) or "", secrets.token_bytes(rules.SALT_BYTES), cost)
    sealed = vault.seal(secret, bound_to(name))
    member = StaffMember(uuid4(), name, role, kept, sealed, totp.NEVER, 0, None)
    return Papers(name, role, password, totp.written(secret), totp.address(secret, name)), member
