"""Labor offices: signing in with an access code, and tickets that are held for applicants."""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from service.actions.again import idempotent
from service.actions.staff import at_the_shell, entry
from service.domain import offices as rules
from service.domain import signatures
from service.domain.errors import LaunchnightError, NotFound, OfficeCodeRefused, OfficeFull, TooManyOfficeCodes
from service.office_ports import HeldTicket, Office
from service.ports import Begin, Ports, Transaction, Vault, VaultError


@dataclass(frozen=True, slots=True)
class Held:
    """One ticket of an office, opened."""

    number: int
    label: str
    """What the office calls its applicant."""
    ticket: str
    secret: str
    place_token: str
    """What was promised of the wait when it was taken."""
    begun: bool = False
    """Its applicant sat down before, and has no account yet."""


def secret_index(vault: Vault, handle: str, secret: str) -> bytes:
    return vault.index(f"labor office {handle} {secret}")


async def sign_in(ports: Ports, typed: str) -> Office:
    """The office of an access code. Raises OfficeCodeRefused, and counts it; TooManyOfficeCodes."""
    code = rules.read_code(typed)
    if code is None:
        raise OfficeCodeRefused
    now = ports.clock.now()
    refusal: LaunchnightError | None = None
    async with ports.begin() as tx:
        office = await tx.offices.hold(code[0])
        if office is None:
            refusal = OfficeCodeRefused()
        elif wait := _guessing_wait_s(office, now.timestamp()):
            refusal = TooManyOfficeCodes(retry_after_s=wait)
        elif not hmac.compare_digest(office.secret_index, secret_index(ports.vault, *code)):
            refusal = OfficeCodeRefused()
            await tx.offices.count_failure(office.id, now, window=rules.HOUR_S)
        else:
            await tx.offices.forgive(office.id)
    if office is None or refusal is not None:
        raise refusal or OfficeCodeRefused()
    return office


def _guessing_wait_s(office: Office, now: float) -> float:
    age = 0.0 if office.failing_since is None else now - office.failing_since.timestamp()
    return rules.guessing_wait_s(office.failures, age)


@idempotent
async def held_tickets(ports: Ports, office_id: UUID, generation: int) -> Sequence[Held] | None:
    """By number; None when the office was ended or has another code since it signed in."""
    async with ports.begin(single=True) as tx:
        office = await tx.offices.find(office_id)
        if office is None or office.generation != generation:
            return None
        return [_opened(ports.vault, office_id, each) for each in await tx.offices.held(office_id)]


@idempotent
async def is_open(ports: Ports, office_id: UUID, generation: int) -> bool:
    """Whether who signed in with the code of this generation is still in."""
    async with ports.begin(single=True) as tx:
        office = await tx.offices.find(office_id)
    return office is not None and office.generation == generation


@idempotent
async def hold_ticket(ports: Ports, office_id: UUID, held: Held) -> None:
    """Keep a ticket for an applicant, or what changed about it. Raises OfficeFull."""
    text = json.dumps([held.label, held.ticket, held.secret, held.place_token]).encode()
    sealed = ports.vault.seal(text, _bound_to(office_id, held.number))
    kept = HeldTicket(held.number, signatures.key_id_of(held.ticket), sealed, None)
    async with ports.begin() as tx:
        await tx.offices.forget_served(office_id)
        room_for_it = await tx.offices.keep(office_id, kept, most=rules.MOST_HELD)
    if not room_for_it:
        raise OfficeFull


@idempotent
async def outworn_tickets(ports: Ports, office_id: UUID, key_id: int) -> Sequence[Held]:
    """Those that older keys than this one sign."""
    async with ports.begin(single=True) as tx:
        return [_opened(ports.vault, office_id, each) for each in await tx.offices.outworn(office_id, key_id)]


@idempotent
async def held_ticket(ports: Ports, office_id: UUID, number: int) -> Held:
    """Raises NotFound."""
    async with ports.begin(single=True) as tx:
        found = await tx.offices.find_held(office_id, number)
    if found is None:
        raise NotFound("The office holds no such ticket.")
    return _opened(ports.vault, office_id, found)


@idempotent
async def begin_with(ports: Ports, office_id: UUID, number: int) -> None:
    """Its applicant sits at the desk."""
    async with ports.begin(single=True) as tx:
        await tx.offices.begin(office_id, number, ports.clock.now())


@idempotent
async def drop_ticket(ports: Ports, office_id: UUID, number: int) -> None:
    async with ports.begin(single=True) as tx:
        await tx.offices.drop(office_id, number)


def _opened(vault: Vault, office_id: UUID, held: HeldTicket) -> Held:
    try:
        label, ticket, secret, token = json.loads(vault.open(held.sealed, _bound_to(office_id, held.number)))
    except VaultError:  # the service has another master key: no ticket under the old one is of use either
        label, ticket, secret, token = "", "", "", ""
    return Held(held.number, label, ticket, secret, token, begun=held.begun_at is not None)


def _bound_to(office_id: UUID, number: int) -> bytes:
    return f"office ticket {office_id} {number}".encode()


# What operators ask.


async def add_office(begin: Begin, vault: Vault, who: str, name: str, drawn: bytes) -> str | None:
    """The access code of a new office, which is told this once; None when there is one of this name.

    drawn: `offices.CODE_BYTES` random bytes. On the record, as what follows.
    """
    handle, secret = rules.new_code(drawn)
    async with begin() as tx:
        added = await tx.offices.add(Office(uuid4(), name, secret_index(vault, handle, secret), 1), handle)
        await _note(tx, who, "office-add", name, done=added)
    return rules.written(handle, secret) if added else None


async def renew_office(begin: Begin, vault: Vault, who: str, name: str, drawn: bytes) -> str | None:
    """Another access code; whoever signed in with the old one is out. None: no such office."""
    handle, secret = rules.new_code(drawn)
    async with begin() as tx:
        renewed = await tx.offices.renew(name, handle, secret_index(vault, handle, secret))
        await _note(tx, who, "office-renew", name, done=renewed)
    return rules.written(handle, secret) if renewed else None


async def end_office(begin: Begin, who: str, name: str) -> bool:
    """Its access code opens nothing any more. False: no such office is open."""
    async with begin() as tx:
        ended = await tx.offices.end(name)
        await _note(tx, who, "office-end", name, done=ended)
    return ended


async def _note(tx: Transaction, who: str, verb: str, name: str, *, done: bool) -> None:
    outcome = "done" if done else "refused"
    await tx.staff.note(entry(at_the_shell(who), verb, outcome, None, asked={"name": name}))
