"""Tables of paper applications, as offices really save them."""

import csv
import io
import zipfile
from datetime import date
from typing import Any, Literal
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import spreadsheets
from service.domain.paper import Checked, Intake, harmless
from service.domain.spreadsheets import TableRefused, rows_of
from service.paper_command import _Sheet

TODAY = date(2020, 4, 13)
HEAD = ["Nama", "NIK", "No. KK", "Tanggal Lahir", "No. HP", "Email"]
WOMAN = ["Sri Ayu", "5207995708900001", "5207991708100002", "17/08/1990", "081234567890", ""]
MAN = ["I Wayan", "5207991502850003", "5207991708100004", "15/02/1985", "+62 812-3456-7891", "wayan@people.example"]
NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def csv_of(*rows: list[str], delimiter: str = ";") -> str:
    return "".join(delimiter.join(row) + "\r\n" for row in rows)


def checked(content: bytes) -> list[Checked]:
    return list(Intake(rows_of(io.BytesIO(content)), TODAY, synthetic_people=True).checked())


def workbook(rows: list[list[Any]], *, strings: bool = True) -> bytes:
    """As spreadsheet programs pack it: text in shared strings or inline, numbers as numbers."""
    shared: list[str] = []
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = []
        for i, value in enumerate(row):
            place = f"{chr(65 + i)}{number}"
            if isinstance(value, int | float):
                cells.append(f'<c r="{place}"><v>{value!r}</v></c>')
            elif strings:
                shared.append(value)
                cells.append(f'<c r="{place}" t="s"><v>{len(shared) - 1}</v></c>')
            else:
                cells.append(f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>')
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    ns = f'xmlns="{NAMESPACE}"'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            "xl/worksheets/sheet1.xml", f"<worksheet {ns}><sheetData>{''.join(lines)}</sheetData></worksheet>"
        )
        items = "".join(f"<si><t>{escape(text)}</t></si>" for text in shared)
        book.writestr("xl/sharedStrings.xml", f"<sst {ns}>{items}</sst>")
    return packed.getvalue()


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_table_is_read_in_whatever_encoding(encoding: str, delimiter: str) -> None:
    named = ["Renée Ayu", *WOMAN[1:]]
    found = checked(csv_of(HEAD, named, MAN, delimiter=delimiter).encode(encoding))
    assert [one.faults for one in found] == [(), ()]
    people = [one.person for one in found]
    assert people[0] is not None and people[1] is not None
    assert (people[0].name, people[0].phone, people[0].birth_date) == ("Renée Ayu", "+6281234567890", date(1990, 8, 17))
    assert (people[1].identity_number, people[1].email) == (MAN[1], "wayan@people.example")
    assert [one.number for one in found] == [2, 3]


@pytest.mark.parametrize("strings", [True, False])
def test_a_workbook_is_read_as_its_rows(strings: bool) -> None:
    """Dates are day numbers there, and a phone number has lost its zero."""
    rows: list[list[Any]] = [HEAD, [*WOMAN[:3], 33102, 81234567890, ""], MAN]
    found = checked(workbook(rows, strings=strings))
    assert [one.faults for one in found] == [(), ()]
    assert found[0].person is not None
    assert (found[0].person.birth_date, found[0].person.phone) == (date(1990, 8, 17), "+6281234567890")


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        (0, "", "empty"),
        (0, "=HYPERLINK(1)", "formula"),
        (0, "+62812", "formula"),
        (0, "Sri\x07", "invalid-character"),
        (1, "5.20799E+15", "rounded"),
        (1, "5,20799E+15", "rounded"),
        (1, "520799570890000", "not-16-digits"),
        (1, "5207994008900001", "impossible-date"),
        (1, "9907995708900001", "unknown-area"),
        (2, "", "not-16-digits"),
        (3, "08/17/1990", "no-date"),
        (3, "17/08/90", "impossible-date"),
        (3, "18/08/1990", "not-that-of-the-number"),
        (3, "soon", "no-date"),
        (4, "12345", "not-a-mobile-number"),
        (4, "8.12346E+10", "not-a-mobile-number"),
        (5, "nobody", "not-an-email-address"),
    ],
)
def test_each_fault_has_its_row_column_and_name(column: int, value: str, code: str) -> None:
    row = [*WOMAN[:column], value, *WOMAN[column + 1 :]]
    found = checked(csv_of(HEAD, MAN, row).encode())
    assert found[0].faults == ()
    assert [(one.code, one.column) for one in found[1].faults] == [(code, list(found_columns())[column])]
    assert found[1].person is None


def found_columns() -> list[str]:
    return ["name", "identity_number", "family_card", "birth_date", "phone", "email"]


def test_a_number_that_was_a_number_in_a_workbook_is_refused_with_the_way_out() -> None:
    found = checked(workbook([HEAD, [WOMAN[0], 5207995708900000, *WOMAN[2:]]]))
    assert [(one.column, one.code) for one in found[0].faults] == [("identity_number", "rounded")]
    assert "make the column text" in found[0].faults[0].detail


def test_all_faults_of_a_row_are_told_at_once_and_spaces_are_none() -> None:
    faults = checked(csv_of(HEAD, ["", "1", "2", "3", "4", "5"]).encode())[0].faults
    assert len(faults) == 6
    spaced = [f" {WOMAN[0]} ", "5207 9957 0890 0001", *WOMAN[2:]]
    assert checked(csv_of(HEAD, spaced).encode())[0].faults == ()


def test_who_stands_twice_is_taken_once() -> None:
    found = checked(csv_of(HEAD, WOMAN, MAN, WOMAN).encode())
    assert [one.person is None for one in found] == [False, False, True]
    assert {one.column: one.detail for one in found[2].faults} == {
        "identity_number": "It stands in row 2 too.",
        "phone": "It stands in row 2 too.",
    }


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (csv_of(HEAD[:3]).encode(), "columns"),
        (csv_of([*HEAD, "NIK"]).encode(), "columns"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old-workbook"),
        (b"a;b\x00\n", "encoding"),
        (b"PK\x03\x04" + b"x" * 100, "damaged"),
        (workbook([HEAD])[:-30], "damaged"),
        (csv_of(HEAD, ["x" * 5000]).encode(), "long-cell"),
        ((csv_of(HEAD) + '"never closed;').encode(), "not-csv"),
        (csv_of(HEAD).encode() + csv_of(WOMAN).encode() * 1500 + b"\xff;;;;;\r\n", "encoding"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(TableRefused) as refused:
        checked(content)
    assert refused.value.code == code


def test_a_workbook_that_unpacks_to_a_disk_full_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheets, "MOST_UNPACKED_BYTES", 100_000)
    bomb = workbook([HEAD, *([WOMAN] * 2000)])
    assert len(bomb) < 100_000
    with pytest.raises(TableRefused, match="unpacks to more"):
        checked(bomb)


def sheet_of(content: str) -> bytes:
    """A workbook with this sheet."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{NAMESPACE}"><sheetData>{content}')
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ('<row r="5"/><row r="5"/>', "damaged"),
        ('<row r="0"/>', "damaged"),
        ('<row r="9999999"/>', "damaged"),
        ('<row r="1"><c r="A1"><v>1e999</v></c></row>', "damaged"),
        ("<row>" + "<c/>" * 150_000, "too-large"),
        ("<a>" * 150_000, "too-large"),
        ("<row><c><v>" + "9" * 9_000_000, "too-large"),
        ('<row r="1"/>', "damaged"),
    ],
)
def test_an_odd_sheet_is_refused(content: str, code: str) -> None:
    """Rows of one number would hide who stands twice; a row without an end would fill the memory."""
    with pytest.raises(TableRefused) as refused:
        checked(sheet_of(content))
    assert refused.value.code == code


def test_what_lies_between_rows_is_forgotten() -> None:
    """However much it is: rules of formats and links come after the rows."""
    with pytest.raises(TableRefused) as refused:
        checked(sheet_of("<a/>" * 300_000 + "</sheetData></worksheet>"))
    assert refused.value.code == "empty"


def test_packed_bytes_that_were_changed_are_refused() -> None:
    content = bytearray(workbook([HEAD, WOMAN, MAN]))
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        at = book.getinfo("xl/worksheets/sheet1.xml").header_offset + 30 + len("xl/worksheets/sheet1.xml")
    content[at] = 0xFF
    with pytest.raises(TableRefused) as refused:
        checked(bytes(content))
    assert refused.value.code == "damaged"


@pytest.mark.parametrize("row", ["a" * 300_000, '"\n";' * 100_000])
def test_a_row_of_a_csv_has_an_end(row: str) -> None:
    with pytest.raises(TableRefused) as refused:
        checked(f"{';'.join(HEAD)}\n{row}".encode())
    assert refused.value.code == "long-row"


@pytest.mark.parametrize("before", [0, (1 << 16) - 12])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused(before: int, encoding: str) -> None:
    packed = io.BytesIO()
    sheet = f'<!--{" " * before}--><!DOCTYPE x [<!ENTITY a "b">]><worksheet/>'
    with zipfile.ZipFile(packed, "w") as book:
        book.writestr("xl/worksheets/sheet1.xml", sheet.encode(encoding))
    with pytest.raises(TableRefused, match="no document type"):
        checked(packed.getvalue())


@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_or_refused(content: bytes) -> None:
    try:
        checked(content)
    except TableRefused:
        pass


@given(st.text(max_size=20))
def test_no_cell_of_ours_is_a_formula(text: str) -> None:
    assert not harmless(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert harmless(text).replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize(
    "name", ["Budi,=1+1", 'Budi,"=1+1', 'Budi", =1+1', "Budi;=1+1", "Budi\t@SUM(A1)", '"=1+1', "=1"]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_NONE])
def test_no_program_finds_a_formula_in_a_name(name: str, delimiter: str, quoting: Literal[0, 3]) -> None:
    """Whatever it takes for the end of a cell, whether or not it knows quotes."""
    written = io.StringIO()
    _Sheet(written).writerow(["2", name, "x"])
    (cells,) = csv.reader(io.StringIO(written.getvalue(), newline=""), delimiter=delimiter, quoting=quoting)
    assert not [cell for cell in cells if cell.strip(' "').startswith(("=", "+", "-", "@"))]


def test_every_cell_that_we_write_is_quoted() -> None:
    written = io.StringIO()
    _Sheet(written).writerow([2, "Sri, Ayu", ""])
    assert written.getvalue() == '"2";"Sri, Ayu";""\r\n'


def test_a_name_with_a_hyphen_or_a_comma_stays_as_it_is() -> None:
    assert harmless("Siti-Ayu, S.Pd. + 1") == "Siti-Ayu, S.Pd. + 1"
