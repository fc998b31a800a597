"""Arrivals from files: what they say is what is played, and every fault of a bad one is told with its line."""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from scenarios import arrivals
from scenarios.arrival_files import named
from scenarios.arrival_kinds import ArrivalsError, Lines, Recorded


def faults_of(path: Path) -> list[str]:
    with pytest.raises(ArrivalsError) as refused:
        named(str(path), None)
    return [fault.removeprefix(str(path)) for fault in refused.value.faults]


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "arrivals.csv"
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_recorded_instants_come_back_exactly(tmp_path, kind):
    """In any order, to the last bit, with a column beside them that is not ours."""
    at = np.random.default_rng(7).exponential(60.0, 5_000)
    path = tmp_path / f"recorded.{kind}"
    if kind == "csv":
        path.write_text("path,at_s\n" + "".join(f'"/a,b",{instant!r}\n' for instant in at.tolist()))
    else:
        parquet.write_table(pyarrow.table({"path": ["/"] * len(at), "at_s": at}), path)
    recorded = named(str(path), None)
    assert isinstance(recorded, Recorded)
    assert arrivals.plan(recorded, Fraction(1), 1.0, None, seed=3).due.tolist() == sorted(at.tolist())


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_points_are_a_rate_that_is_linear_between_them(tmp_path, kind):
    """A rise and a fall, a jump up and a fall: 50, 100 and 25 people."""
    points: dict[str, list[float]] = {"t_s": [0, 10, 30, 30, 40], "per_s": [0.0, 10.0, 0.0, 5.0, 0.0]}
    path = tmp_path / f"curve.{kind}"
    if kind == "csv":
        rows = zip(points["per_s"], points["t_s"], strict=True)
        path.write_text("per_s, t_s\r\n" + "".join(f"{rate},{t}\r\n" for rate, t in rows))
    else:
        parquet.write_table(pyarrow.table(points), path)
    assert named(str(path), None) == Lines((0.0, 10.0, 30.0, 30.0, 40.0), (0.0, 10.0, 0.0, 5.0, 0.0))
    assert arrivals.planned(named(str(path), None), Fraction(1), None) == 175


def test_a_spreadsheets_csv_is_read(tmp_path):
    """With its mark at the beginning, its line ends, and empty lines."""
    assert named(str(written(tmp_path, "at_s\r\n1.5\r\n\r\n0.5\r\n", "utf-8-sig")), None).length_s == 1.500001


def test_every_fault_of_instants_is_told_with_its_line(tmp_path):
    path = written(tmp_path, "who,at_s\na,1\nb,soon\n\nc,-1\nd\ne,1586606400\nf,nan\ng,\nh,2\n")
    assert faults_of(path) == [
        ":3: at_s: must be a number, not 'soon'",
        ":5: at_s: must be a number that is not below 0, not -1",
        ":6: has 1 of the header's 2 columns",
        ":7: at_s: more than a month after the opening: seconds since the opening are meant, not a Unix time, "
        "not 1586606400",
        ":8: at_s: must be a number that is not below 0, not nan",
        ":9: at_s: is missing",
    ]


def test_every_fault_of_points_is_told_with_its_line(tmp_path):
    path = written(tmp_path, "t_s,per_s\n0,1\n20,many\n10,2e9\n10,-3\n")
    assert faults_of(path) == [
        ":3: per_s: must be a number, not 'many'",
        ":4: per_s: must be below 1,000,000,000, not 2e9",
        ":4: t_s: must not be before the point above it",
        ":5: per_s: must be a number that is not below 0, not -3",
    ]
    path = written(tmp_path, "t_s,per_s\n0,1\nsoon,-3\n-1,many\n")
    assert faults_of(path) == [
        ":3: t_s: must be a number, not 'soon'",
        ":3: per_s: must be a number that is not below 0, not -3",
        ":4: t_s: must be a number that is not below 0, not -1",
        ":4: per_s: must be a number, not 'many'",
    ]


def test_faults_of_a_row_of_parquet_are_told_with_its_number(tmp_path):
    path = tmp_path / "arrivals.parquet"
    parquet.write_table(pyarrow.table({"at_s": [1.0, None, -2.0]}), path)
    assert faults_of(path) == [
        ":row 2: at_s: is missing",
        ":row 3: at_s: must be a number that is not below 0, not -2.0",
    ]
    parquet.write_table(pyarrow.table({"at_s": ["1", "one"]}), path)
    assert faults_of(path) == [":row 2: at_s: must be a number, not 'one'"]


def test_who_sees_twenty_faults_need_not_see_a_million(tmp_path):
    told = faults_of(written(tmp_path, "at_s\n" + "x\n" * 1_000))
    assert len(told) == 21 and told[-1] == ": and 980 faults more"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "1: must have either a column at_s"),
        ("seconds\n1\n", "it has seconds"),
        ("at_s,t_s,per_s\n1,1,1\n", "must have either"),
        ("t_s\n1\n", "must have either"),
        ("at_s\n", "has no instants"),
        ("t_s,per_s\n0,1\n", "two points at least, this one has 1"),
        ("t_s,per_s\n0,0\n9,0\n", "nobody arrives"),
        ("t_s,per_s\n0,5\n0,0\n9,0\n", "nobody arrives"),
    ],
)
def test_a_file_without_arrivals_is_refused(tmp_path, text, fault):
    assert fault in faults_of(written(tmp_path, text))[0]


def test_what_is_no_file_of_its_kind_is_refused(tmp_path):
    wrong = tmp_path / "wrong.csv"
    wrong.write_bytes(b"at_s\n1\n\xff\xfe\n")
    assert "is no CSV in UTF-8" in faults_of(wrong)[0]
    wrong = tmp_path / "wrong.parquet"
    wrong.write_bytes(b"at_s\n1\n")
    assert "is no Parquet file" in faults_of(wrong)[0]
    assert "No such file" in faults_of(tmp_path / "missing.csv")[0]
    assert "No such file" in faults_of(tmp_path / "missing.parquet")[0]


def test_a_name_that_is_neither_rate_nor_file_is_told_what_there_is():
    with pytest.raises(ArrivalsError, match=r"must be constant:RATE, ramp:FROM-TO, .*\.parquet, not 'poisson:5'"):
        named("poisson:5", None)


def test_parquet_without_pyarrow_is_refused_with_the_fix(tmp_path, monkeypatch):
    """It is optional: the error names the command that brings it, and the way without."""
    path = tmp_path / "recorded.parquet"
    parquet.write_table(pyarrow.table({"at_s": [1.0]}), path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (fault,) = faults_of(path)
    assert f"{sys.executable} -m pip install pyarrow, or give a .csv" in fault
