"""Making an account."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from service.actions.once import Once
from service.actions.tickets import read_pass
from service.ports import Account, Ports, StoredAnswer


@dataclass(frozen=True, slots=True)
class NewAccount:
    account_id: UUID


async def create_account(
    ports: Ports, once: Once, pass_value: str, name: str, phone: str, email: str | None
) -> StoredAnswer:
    """One account for each ticket, phone number and e-mail address. Raises PassInvalid, PassUsed, AddressTaken."""
    number = read_pass(ports, pass_value)
    once.principal = b"ticket %d" % number
    account = Account(uuid4(), name, phone, email, None, None)
    async with ports.begin() as tx:
        await tx.accounts.add(account, ticket_number=number)
        answer = await once.keep(tx, NewAccount(account.id))
    ports.reached("account_created")
    return answer
