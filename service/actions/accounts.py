"""Making an account."""

from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from service.actions.again import idempotent
from service.actions.once import Once
from service.actions.tickets import read_pass
from service.applicant_ports import Account
from service.domain.errors import PassUsed
from service.ports import Ports, StoredAnswer
from service.room_ports import Room


@dataclass(frozen=True, slots=True)
class NewAccount:
    account_id: UUID


async def create_account(
    ports: Ports, once: Once, room: Room, pass_value: str, name: str, phone: str, email: str | None
) -> StoredAnswer:
    """One account for each ticket, phone number and e-mail address. Raises PassInvalid, PassUsed, AddressTaken."""
    number = read_pass(ports, room, pass_value)
    once.principal = b"ticket %d" % number
    account = Account(uuid4(), name, phone, email, None, None)
    async with ports.begin() as tx:
        await tx.accounts.add(account, ticket_number=number)
        answer = await once.keep(tx, NewAccount(account.id))
    ports.reached("account_created")
    return answer


@idempotent
async def correct_account(ports: Ports, room: Room, pass_value: str, name: str, phone: str, email: str | None) -> None:
    """Change what was typed for the account of this pass, as long as no address of it is verified.

    Codes that were asked for before are void: one sent to the old address must not verify the new one.
    Raises PassInvalid, PassUsed (verified, or nobody's), AddressTaken.
    """
    number = read_pass(ports, room, pass_value)
    async with ports.begin() as tx:
        account = await tx.accounts.of_ticket(number)
        if account is None:
            raise PassUsed
        old = [ports.vault.index(address) for address in (account.phone, account.email) if address is not None]
        await tx.codes.void(account.id, old, ports.clock.now())
        if not await tx.accounts.correct(replace(account, name=name, phone=phone, email=email)):
            raise PassUsed
