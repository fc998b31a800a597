"""A row holds the machine's state to the bit, in 80 bytes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.catalogue import load
from scenarios.journey_state import Action, Code, Nerves, Progress
from scenarios.simulation import figures, people, rows
from scenarios.simulation.rows import ACCOUNT, ANNOUNCED, HELD, KEPT, ROW, SESSION, has, keep, set_flag, state_of
from scenarios.uploaders import Uploader
from tests.unit.simulated_nights import setup_of

NIGHT = load("prakerja-wave-1")
RECORD = figures.filled(setup_of(NIGHT)).view(np.recarray)[0]


def one() -> np.recarray:
    crowd = rows.made(1)
    rows.fill(crowd, people.drawn(NIGHT, 1, np.array([7])), Uploader.PATIENT)
    return crowd.view(np.recarray)


def small(most: int) -> st.SearchStrategy[int]:
    return st.integers(0, most)


def test_an_applicant_takes_a_hundred_bytes_with_her_timer_and_her_place() -> None:
    assert ROW.itemsize + 16 + 4 <= 100


@settings(deadline=None)
@given(
    st.sampled_from(Action),
    st.builds(Nerves, small(12), small(9), small(30_000), small(500), small(10), small(60)),
    st.builds(Code, st.integers(1, 2), small(6), small(11), small(1)),
    st.builds(Progress, small(10), small(2), small(18), small(1)),
    st.floats(-1.0, 500_000.0),
    st.tuples(small(5), small(41), small(20), small(500)),
)
def test_what_is_kept_is_what_is_found(
    action: Action, nerves: Nerves, code: Code, progress: Progress, moment: float, rest: tuple[int, int, int, int]
) -> None:
    row = one()[0]
    traits = rows.traits_of(row, RECORD)
    wanted = state_of(row, RECORD)._replace(
        action=action + 0, nerves=nerves, code=code, progress=progress, leaves_line_at=moment, traits=traits,
        fate=rest[0], reason=rest[1], browser=rest[2], pages=rest[3],
    )  # fmt: skip
    keep(row, wanted)
    assert state_of(row, RECORD) == wanted


def test_a_new_browser_knows_nothing_and_the_service_still_knows_her() -> None:
    row = one()[0]
    set_flag(row, HELD | ACCOUNT | SESSION | KEPT | ANNOUNCED)
    row.handed_ms = 5
    state = state_of(row, RECORD)
    keep(row, state._replace(browser=1))
    assert has(row, ACCOUNT)
    assert not any(has(row, flag) for flag in (HELD, SESSION, KEPT, ANNOUNCED))
    assert row.handed_ms == -1


def test_a_lost_page_keeps_ticket_and_session_and_takes_the_photo_anew() -> None:
    row = one()[0]
    set_flag(row, HELD | ACCOUNT | SESSION | KEPT | ANNOUNCED)
    asked = int(row.asked)
    keep(row, state_of(row, RECORD)._replace(pages=1))
    assert has(row, HELD) and has(row, SESSION)
    assert not has(row, KEPT) and not has(row, ANNOUNCED)
    assert (row.takes, row.asked) == (1, asked + 1)
