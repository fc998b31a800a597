"""The reconciliation of paper applications: who of them has an account, and who only has a paper."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from service.actions.staff import at_the_shell, entry
from service.domain.errors import NotFound
from service.domain.paper_states import UNREGISTERED, PaperState
from service.paper_ports import PaperCount, PaperFileLine, PaperLine
from service.ports import Begin

AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class PaperReport:
    """One office. Everybody on paper stands in exactly one of `unregistered` and the two kinds of registered."""

    office: str
    unregistered: Mapping[PaperState, int]
    """People without an account, by how far their paper has come."""
    being_invited: int
    """Of those received: the invitation was asked for and the gateway has not taken it."""
    by_claim: int
    """Registered with the code of their invitation."""
    by_themselves: int
    """Registered online, whatever became of their paper."""
    helped: int
    """Accounts made at the desk of the office, on paper or not."""
    files: Sequence[PaperFileLine]

    @property
    def on_paper(self) -> int:
        return self.not_registered + self.registered

    @property
    def not_registered(self) -> int:
        return sum(self.unregistered.values())

    @property
    def registered(self) -> int:
        return self.by_claim + self.by_themselves


async def report(begin: Begin, office: str | None = None) -> Sequence[PaperReport]:
    """Of one office, or of all that sent a table or helped somebody. Raises NotFound."""
    reports = []
    async with begin() as tx:
        offices = await tx.paper.offices()
        if office is not None:
            found = await tx.paper.find_office(office)
            if found is None:
                raise NotFound(f"There is no labor office {office}.")
            offices = [found]
        for each in offices:
            counts = await tx.paper.counts(each.id)
            reports.append(_of(each.name, counts, await tx.paper.helped(each.id), await tx.paper.files(each.id)))
    return reports


def _of(office: str, counts: Sequence[PaperCount], helped: int, files: Sequence[PaperFileLine]) -> PaperReport:
    registered = [each for each in counts if each.state is PaperState.REGISTERED]
    return PaperReport(
        office=office,
        unregistered={state: sum(each.people for each in counts if each.state is state) for state in UNREGISTERED},
        being_invited=sum(each.people for each in counts if each.state is PaperState.RECEIVED and each.is_invited),
        by_claim=sum(each.people for each in registered if each.is_claimed),
        by_themselves=sum(each.people for each in registered if not each.is_claimed),
        helped=helped,
        files=files,
    )


async def lines(begin: Begin, who: str, office: str) -> AsyncIterator[PaperLine]:
    """Everybody of one office, and nobody of another, in the order in which they were typed. Raises NotFound.

    That `who` has read their names and phones is on the record.
    """
    async with begin() as tx:
        found = await tx.paper.find_office(office)
        if found is None:
            raise NotFound(f"There is no labor office {office}.")
        await tx.staff.note(entry(at_the_shell(who), "paper-list", "done", None, asked={"office": office}))
    after, part = 0, AT_ONCE
    while part == AT_ONCE:
        async with begin(single=True) as tx:
            rows = await tx.paper.lines(found.id, after=after, most=AT_ONCE)
        for row in rows:
            yield row
        part, after = len(rows), rows[-1].id if rows else after
