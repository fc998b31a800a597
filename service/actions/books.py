"""Looking at the books of all grants: what the ledgers hold, whether every person's are right, and whether a partner
has paid what we think it has.

Both go person by person, some at a time: millions of entries never stand in memory together.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from service.domain import money
from service.domain.payouts import PAID
from service.ports import Begin

AT_ONCE = 1000
"""Participants, or payments, of one statement."""
MOST_FAULTS = 100
"""That are told; the number of all is told with them."""


@dataclass(slots=True)
class Summary:
    """What the books of everybody come to. completed: participants who have done everything that a grant pays for."""

    participants: int = 0
    completed: int = 0
    entries: int = 0
    ledgers: Counter[str] = field(default_factory=Counter)
    granted: int = 0
    granted_to_completed: int = 0
    """GRANT for each of them."""
    waiting: int = 0
    """Payouts that have not happened, and what they come to."""
    waiting_amount: int = 0
    faults: int = 0
    told: list[str] = field(default_factory=list)
    """The first of the faults."""

    def fault(self, text: str) -> None:
        self.faults += 1
        if len(self.told) < MOST_FAULTS:
            self.told.append(text)


async def sum_up(begin: Begin) -> Summary:
    """Read all books, and say what is wrong with them."""
    summary, after = Summary(), None
    while True:
        async with begin(single=True) as tx:
            page = await tx.books.page(after, most=AT_ONCE)
        for book in page:
            given = money.granted(book.entries)
            summary.participants += 1
            summary.completed += book.completed
            summary.granted_to_completed += given if book.completed else 0
            summary.entries += len(book.entries)
            summary.granted += given
            summary.waiting += len(book.unpaid)
            summary.waiting_amount += sum(book.unpaid.values())
            summary.ledgers.update(money.balances(book.entries))
            for text in money.faults_of(book.entries, book.unpaid, book.paid):
                summary.fault(f"{book.account_id}: {text}")
        if len(page) < AT_ONCE:
            break
        after = page[-1].account_id
    if summary.granted_to_completed != summary.completed * money.GRANT:
        told = f"{summary.granted_to_completed:,} was granted to {summary.completed:,} who completed everything"
        summary.fault(f"{told}, and should be {summary.completed * money.GRANT:,}")
    if sum(summary.ledgers.values()) != 0:
        summary.fault(f"the ledgers hold {sum(summary.ledgers.values()):,} together, and not nothing")
    return summary


@dataclass(frozen=True, slots=True)
class Statement:
    """One line of what a partner says that it paid."""

    key: str
    method: str
    amount: int


async def reconcile(begin: Begin, lines: Sequence[Statement], summary: Summary, until: datetime | None = None) -> None:
    """Compare what partners say that they paid with what is booked; differences are faults of `summary`.

    Every payment must stand on both sides; what was booked at `until` or later may be missing from the statement, which
    was written about then. One whose answer has not come yet is told with its name: it is asked again as itself, and is
    booked when the answer comes.
    """
    said: dict[str, Statement] = {}
    for line in lines:
        if said.setdefault(line.key, line) is not line:
            summary.fault(f"{line.key}: stands twice in the statement")
    seen = await _look_up(begin, said, summary)
    after: UUID | None = None
    while True:
        async with begin(single=True) as tx:
            page = await tx.books.paid(after, most=AT_ONCE, until=until)
        for _, payment in page:
            if payment.key not in seen:
                summary.fault(f"{payment.key}: booked as paid, and not in the statement")
        if len(page) < AT_ONCE:
            return
        after = page[-1][0]


async def _look_up(begin: Begin, said: Mapping[str, Statement], summary: Summary) -> set[str]:
    """The names that stand in the statement, each compared with what we know of it."""
    named = {key: _attempt_of(key) for key in said}
    for key in (key for key, attempt in named.items() if attempt is None):
        summary.fault(f"{key}: paid, and no payment of ours")
    known = {}
    for some in _batches([attempt for attempt in named.values() if attempt is not None]):
        async with begin(single=True) as tx:
            known.update({each.key: each for each in await tx.books.payments(some)})
    for key, attempt in named.items():
        if attempt is None:
            continue
        line, payment = said[key], known.get(key)
        if payment is None:
            summary.fault(f"{key}: paid, and no payment of ours")
        elif (payment.method, payment.amount) != (line.method, line.amount):
            ours = f"{payment.amount:,} by {payment.method}"
            summary.fault(f"{key}: {line.amount:,} by {line.method} in the statement, {ours} in the books")
        elif payment.outcome is None:
            summary.fault(f"{key}: paid, and we have not heard of it yet")
        elif payment.outcome != PAID:
            summary.fault(f"{key}: paid, and the partner told us {payment.outcome}")
    return set(said)


def _attempt_of(key: str) -> tuple[UUID, int] | None:
    """The payout and the number that `payment_key` made a name of; None: it is no such name."""
    head, _, number = key.rpartition("-")
    try:
        return UUID(head.removeprefix("payout-")), int(number)
    except ValueError:
        return None


def _batches(attempts: Sequence[tuple[UUID, int]]) -> Iterable[Sequence[tuple[UUID, int]]]:
    return (attempts[at : at + AT_ONCE] for at in range(0, len(attempts), AT_ONCE))
