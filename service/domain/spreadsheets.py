"""Tables as offices send them: CSV in whatever encoding and with whatever delimiter, or a workbook (.xlsx).

Rows come one after the other, so that a million of them need no more memory than one; but for the texts of a workbook
that shares them between its cells, as most programs write it: those stand in memory until the end. A cell knows whether
it was a number in a workbook: such a cell has lost leading zeros and everything after its fifteenth digit.
"""

import codecs
import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any, NamedTuple, cast
from xml.etree import ElementTree as ET

MOST_COLUMNS = 64
LONGEST_CELL = 4096
LONGEST_ROW = MOST_COLUMNS * LONGEST_CELL
"""Letters of a row of a CSV: a file may be one line without an end, or one quoted row over all its lines."""
MOST_ROWS = 1 << 20
"""Of a table, as the programs have them that make workbooks."""
MOST_ELEMENTS = 100_000
MOST_ROW_BYTES = 8 << 20
"""Both of what must be in memory before a row of a workbook is complete: four bytes of `<a/>` become a hundred."""
MOST_UNPACKED_BYTES = 1 << 30
"""Of a workbook's sheet: a few kilobytes can be packed so that they fill a disk."""
MOST_STRINGS_BYTES = 1 << 28
"""Of its shared strings, which must be in memory."""
DELIMITERS = ";,\t|"
_HEAD_BYTES = 1 << 16
_NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_COLUMN = re.compile(r"([A-Z]{1,3})[0-9]+")


class TableRefused(ValueError):
    """What cannot be read as a table of people: a stable code, and what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


class Cell(NamedTuple):
    text: str
    was_number: bool = False


class Row(NamedTuple):
    number: int
    """As the office's program shows it, from 1."""
    cells: list[Cell]


def rows_of(file: IO[bytes]) -> Iterator[Row]:
    """Every row that is not empty. file: seekable.

    Raises TableRefused when it is no table; also in the middle, so nothing may be kept before the end was seen.
    """
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    if head.startswith(b"PK\x03\x04"):
        return _of_workbook(file)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise TableRefused("old-workbook", "This is a workbook of before 2007: save it as .xlsx or as CSV.")
    return _of_csv(file, head)


# ------------------------------------------------------------ CSV


def _of_csv(file: IO[bytes], head: bytes) -> Iterator[Row]:
    encoding = _encoding_of(head)
    first = head.decode(encoding, "ignore").lstrip("\ufeff").splitlines()[:1]
    if not first:
        return
    delimiter = max(DELIMITERS, key=first[0].count)
    text = io.TextIOWrapper(file, encoding, newline="")
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            lines.left = LONGEST_ROW
            if reader.line_num > MOST_ROWS:
                raise TableRefused("too-large", f"There are more than {MOST_ROWS} lines: send it in parts.")
            if any(cell.strip() for cell in cells):
                yield Row(reader.line_num, [_cell(cell.lstrip("\ufeff")) for cell in cells[:MOST_COLUMNS]])
    except UnicodeDecodeError as fault:
        raise TableRefused("encoding", f"After line {reader.line_num} it is not {encoding}: {fault.reason}.") from None
    except csv.Error as fault:
        raise TableRefused("not-csv", f"Line {reader.line_num + 1}: {fault}.") from None
    finally:
        with suppress(ValueError):  # the file was closed by its owner before this was forgotten
            text.detach()


def _encoding_of(head: bytes) -> str:
    """UTF-8 unless the file says another, or cannot be UTF-8: then that of Windows, which offices' programs write."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\x00" in head:
        raise TableRefused("encoding", "There are zero bytes in it: save it as CSV in UTF-8, or as .xlsx.")
    try:
        codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


class _Lines:
    """Lines of a text, no more than `left` letters of them: whoever has read a row sets it anew."""

    def __init__(self, text: IO[str]) -> None:
        self._text = text
        self.left = LONGEST_ROW

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(self.left + 1)
        if not line:
            raise StopIteration
        self.left -= len(line)
        if self.left < 0:
            raise TableRefused("long-row", f"A row has more than {LONGEST_ROW} letters: this is not a list of people.")
        if "\x00" in line:
            raise csv.Error("a zero byte")
        return line


def _cell(text: str, *, was_number: bool = False) -> Cell:
    if len(text) > LONGEST_CELL:
        raise TableRefused("long-cell", f"A cell has more than {LONGEST_CELL} letters: this is not a list of people.")
    return Cell(text.strip(), was_number)


# ------------------------------------------------------------ workbooks


_DAMAGES = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ET.ParseError, ValueError,
    OverflowError,
)  # fmt: skip
"""What a workbook can raise that its program did not write like this, an infinite number among it."""


def _of_workbook(file: IO[bytes]) -> Iterator[Row]:
    """The first sheet of a workbook; a cell's formula counts as what it showed."""
    try:
        with zipfile.ZipFile(file) as book:
            names = sorted(name for name in book.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name))
            if not names:
                raise TableRefused("not-a-workbook", "It is packed like a workbook, but there is no sheet in it.")
            strings = _shared_strings(book)
            with _member(book, min(names, key=lambda name: (len(name), name)), MOST_UNPACKED_BYTES) as sheet:
                yield from _of_sheet(sheet, strings)
    except TableRefused:
        raise
    except _DAMAGES as fault:
        raise TableRefused("damaged", f"The workbook is damaged ({fault}): save it again, or as CSV.") from None


class _Bounded(io.RawIOBase):
    """Reads no more than a bound from a packed file, whatever its header says."""

    def __init__(self, packed: IO[bytes], most: int) -> None:
        self._packed, self._left = packed, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        content = self._packed.read(len(buffer))
        self._left -= len(content)
        if self._left < 0:
            raise TableRefused("too-large", "The workbook unpacks to more than a list of people can be.")
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self._packed.close()
        super().close()


def _member(book: zipfile.ZipFile, name: str, most: int) -> io.BufferedReader:
    if book.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile("packed in a way that no workbook is")
    return io.BufferedReader(_Bounded(book.open(name), most))


def _shared_strings(book: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    strings = []
    with _member(book, "xl/sharedStrings.xml", MOST_STRINGS_BYTES) as member:
        for element in _ended(member, f"{_NS}si"):
            strings.append("".join(part.text or "" for part in element.iter(f"{_NS}t")))
    return strings


def _of_sheet(sheet: IO[bytes], strings: list[str]) -> Iterator[Row]:
    number = 0
    for element in _ended(sheet, f"{_NS}row"):
        before, number = number, int(element.get("r", number + 1))
        if not before < number <= MOST_ROWS:  # who looks for rows that stand twice tells them apart by it
            raise ValueError(f"row {number} after row {before}")
        cells: list[Cell] = []
        for one in element.iter(f"{_NS}c"):
            place = _place(one.get("r", ""), len(cells))
            if place < MOST_COLUMNS:
                cells += [Cell("")] * (place - len(cells))
                cells.append(_value(one, strings))
        if any(cell.text for cell in cells):
            yield Row(number, cells)


def _ended(member: IO[bytes], tag: str) -> Iterator[ET.Element]:
    """Elements of this name, each forgotten before the next, as is all between them. A document type, which could name
    files, is refused."""
    parser: ET.XMLPullParser[ET.Element] = ET.XMLPullParser(["start", "end"])
    parents: list[ET.Element] = []
    within = elements = size = 0
    before = b""
    while content := member.read(_HEAD_BYTES):
        if b"<!DOCTYPE" in before + content or b"\x00" in content:  # a zero byte: another encoding could hide one
            raise TableRefused("not-a-workbook", "A workbook has no document type.")
        before = content[-len(b"<!DOCTYPE") :]
        size += len(content)
        parser.feed(content)
        for event, element in cast("Iterator[tuple[str, ET.Element]]", parser.read_events()):
            if event == "start":
                parents.append(element)
                within += element.tag == tag
                elements += 1
                if elements > MOST_ELEMENTS:
                    raise TableRefused("too-large", "A row of the workbook holds more than anybody can have typed.")
                continue
            parents.pop()
            if element.tag == tag:
                yield element
                within -= 1
            if not within:
                elements = size = 0
                if parents:
                    parents[-1].clear()
        if size > MOST_ROW_BYTES:
            raise TableRefused("too-large", "A row of the workbook holds more than anybody can have typed.")
    parser.close()  # a sheet that breaks off is none: rows would be missing


def _place(reference: str, following: int) -> int:
    matched = _COLUMN.fullmatch(reference)
    if not matched:
        return following
    place = 0
    for letter in matched[1]:
        place = place * 26 + ord(letter) - ord("A") + 1
    return max(place - 1, following)


def _value(cell: ET.Element, strings: list[str]) -> Cell:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return _cell("".join(part.text or "" for part in cell.iter(f"{_NS}t")))
    value = cell.findtext(f"{_NS}v") or ""
    if kind == "s":
        place = int(value)
        if not 0 <= place < len(strings):
            raise ValueError(f"there is no string {place}")
        return _cell(strings[place])
    if kind == "n" and value:
        number = float(value)
        return Cell(f"{number:.0f}" if number == int(number) else value, was_number=True)
    return _cell(value)
