"""A line of the ministry's list: the number in front is read, and nothing else."""

from datetime import date

import pytest

from scenarios.identity_numbers import nik
from service.domain.errors import FieldRefused
from service.domain.priority import number_of

NUMBER = nik(33, 72, date(1990, 5, 6), False, 7)


@pytest.mark.parametrize(
    "line",
    [
        f"{NUMBER}\n",
        f"{NUMBER}\r\n",
        f"  {NUMBER} ",
        f'"{NUMBER}",Siti\n',
        f"{NUMBER};Siti;Solo\n",
        f"{NUMBER}\tSiti\n",
    ],
)
def test_a_number_is_found_in_front(line):
    assert number_of(line.encode(), 5, True) == NUMBER


def test_a_mark_and_a_head_are_passed_over_in_the_first_line_only():
    assert number_of(b"\xef\xbb\xbf" + NUMBER.encode(), 1, True) == NUMBER
    assert number_of(b"\xef\xbb\xbfNIK;nama\r\n", 1, True) is None
    assert number_of(b"\n", 3, True) is None
    with pytest.raises(FieldRefused):
        number_of(b"NIK;nama\n", 2, True)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"3.37299E+15\n", "rounded"),
        (NUMBER[:-1].encode(), "16 digits"),
        (NUMBER[1:].encode() + b"x", "16 digits"),
        (f"'{NUMBER}".encode(), "16 digits"),
        (NUMBER.encode("utf-16-le"), "no plain text"),
        ("３３７２９９４６０５９００００７".encode(), "other signs"),
        (b"=cmd|'/c calc'!A1\n", "16 digits"),
        (b"00" + NUMBER[2:].encode(), "no province"),
        (NUMBER[:6].encode() + b"3213" + NUMBER[10:].encode(), "no date"),
        (NUMBER[:12].encode() + b"0000", "start at 0001"),
    ],
)
def test_a_line_that_cannot_be_used_says_why(line, said):
    with pytest.raises(FieldRefused, match=said):
        number_of(line, 2, True)


def test_synthetic_people_are_on_no_real_list():
    with pytest.raises(FieldRefused, match="district"):
        number_of(NUMBER.encode(), 2, False)
