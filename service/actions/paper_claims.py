"""Making an account of a paper application, with the claim code of an invitation.

The data are those that the office typed, so that nobody types them again; but no e-mail address of the office's: it
would open the account, and be a clerk's own or that of many rows. Then the way is that of everybody, beginning with a
code to the phone. The pass is needed as for any account: nobody is quicker for having come on paper.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

from service.actions.again import idempotent
from service.actions.identity import IdentityGiven, given_answer, store_identity
from service.actions.once import Once
from service.actions.paper_invitations import claim_index
from service.actions.tickets import read_pass
from service.applicant_ports import Account
from service.domain import paper_states as rules
from service.domain.addresses import masked_phone
from service.domain.errors import LaunchnightError, NotFound
from service.domain.paper_errors import PaperClaimed, PaperClaimRefused
from service.paper_ports import HeldClaim
from service.ports import Ports, StoredAnswer, Transaction
from service.room_ports import Room


@dataclass(frozen=True, slots=True)
class PaperAccount:
    """`phone`: where codes go, masked."""

    account_id: UUID
    name: str
    phone: str
    identity: IdentityGiven


async def claim_paper(
    ports: Ports,
    once: Once,
    room: Room,
    pass_value: str,
    code: str,
    birth_date: date,
    phone: str | None,
    email: str | None,
) -> StoredAnswer:
    """The account of the invited person. phone: another one than the office wrote down; email: the person's own.

    Raises PassInvalid, PassUsed, PaperClaimRefused (a wrong birth date is counted), PaperClaimed, AddressTaken,
    IdentityNumberTaken (the person has an account), QueueFull.
    """
    number = read_pass(ports, room, pass_value)
    once.principal = b"ticket %d" % number
    refusal: LaunchnightError | None = None
    async with ports.begin() as tx:
        held = await tx.paper.hold_claim(claim_index(ports.vault, code))
        refusal = _refusal(ports, held, birth_date)
        if held is not None and refusal is None:
            account = Account(uuid4(), held.person.name, phone or held.person.phone, email, None, None)
            made = await _make(ports, tx, held, account, number)
            answer = await once.keep(tx, made)
        elif held is not None and refusal is not None and refusal.facts.get("reason") == "wrong":
            once.refusal = refusal
            await tx.paper.count_failure(held.id)
    if refusal is not None:
        raise refusal
    ports.reached("account_created")
    ports.reached("identity_submitted")
    return answer


def _refusal(ports: Ports, held: HeldClaim | None, birth_date: date) -> LaunchnightError | None:
    """What a guesser learns: a code that is nobody's is refused as a wrong birth date is."""
    if held is None:
        return PaperClaimRefused(reason="wrong")
    reason = rules.claim_refusal(
        is_right=held.person.birth_date == birth_date,
        is_over=held.claim_until <= ports.clock.now(),
        failures=held.failures,
    )
    if reason:
        return PaperClaimRefused(reason=reason)
    return None if held.account_id is None else PaperClaimed("Sign in with a code to your phone.")


async def _make(ports: Ports, tx: Transaction, held: HeldClaim, account: Account, ticket: int) -> PaperAccount:
    person = held.person
    await tx.accounts.add(account, ticket_number=ticket)
    given = (person.identity_number, person.family_card, person.birth_date)
    identity = await store_identity(ports, tx, account.id, given)
    await tx.paper.claim(held.id, account.id, ports.clock.now())
    return PaperAccount(account.id, account.name, masked_phone(account.phone), given_answer(identity))


@idempotent
async def phone_of(ports: Ports, code: str) -> str:
    """Where codes go for the account that was made with a claim code. Raises NotFound."""
    async with ports.begin() as tx:
        held = await tx.paper.hold_claim(claim_index(ports.vault, code))
        account = None if held is None or held.account_id is None else await tx.accounts.find(held.account_id)
    if account is None:
        raise NotFound
    return account.phone
