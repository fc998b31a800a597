"""What changes for one changes nobody else's luck, so two nights can be compared person by person."""

import numpy as np
import pytest

from scenarios.simulation import rows
from scenarios.simulation.costs import Resources
from scenarios.simulation.run import Result
from tests.unit.simulated_nights import night_of, played, setup_of

PEOPLE = 8
NUMBER = 5
ROOMY = Resources(web=1000, database=1000)
"""Nobody waits for anybody: what each comes to then stands on her own draws."""
ENDS = ("fate", "reason", "furthest", "moment_s", "visits", "retries", "photo_sends", "texts", "mails")


def one_more_retry(patch: pytest.MonkeyPatch) -> None:
    """Let one applicant begin as if she had had to try once more already: her later draws are others."""
    fill = rows.fill

    def filled(crowd: np.ndarray, *others: object) -> None:
        fill(crowd, *others)  # type: ignore[arg-type]
        crowd["retries"][NUMBER] += 1

    patch.setattr(rows, "fill", filled)


def ends(result: Result, number: int) -> list[object]:
    return [result.rows[name][number].item() for name in ENDS]


def test_one_more_retry_of_one_leaves_the_draws_of_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the microsecond. The control is herself: with other draws her night takes another time."""
    setup = setup_of(night_of(), ROOMY)
    before = played(setup, PEOPLE)
    one_more_retry(monkeypatch)
    after = played(setup, PEOPLE)
    same = [number for number in range(PEOPLE) if ends(before, number) == ends(after, number)]
    assert same == [number for number in range(PEOPLE) if number != NUMBER]


def test_one_web_process_more_leaves_the_draws_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = setup_of(night_of(), ROOMY)
    more = setup._replace(resources=Resources(web=1001, database=1000))
    assert played(setup, PEOPLE).digest() == played(more, PEOPLE).digest()
