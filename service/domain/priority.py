"""The ministry's list of people who come first: a line each, the identity number in front."""

import re

from service.domain.errors import FieldRefused
from service.domain.identity import check_nik

HEADS = frozenset({"nik", "no_nik", "nomor_nik", "nomor induk kependudukan"})
"""What a first line may say instead of a number."""
_REST = re.compile(rb"[,;\t]")
_MARK = b"\xef\xbb\xbf"


def number_of(line: bytes, number: int, synthetic_people: bool) -> str | None:
    """The identity number of line `number` (from 1); None: the line is empty, or the first one names its columns.

    What stands behind a comma, semicolon or tab is not read: names are nobody's business here. Raises FieldRefused.
    """
    if number == 1:
        line = line.removeprefix(_MARK)
    if not line.strip():
        return None
    field = _REST.split(line, 1)[0].strip()
    if len(field) >= 2 and field[:1] == field[-1:] == b'"':
        field = field[1:-1]
    try:
        text = field.decode("ascii")
    except UnicodeDecodeError:
        raise FieldRefused("not-16-digits", "The number is written with other signs than the digits 0 to 9.") from None
    if "\0" in text:
        raise FieldRefused("not-16-digits", "The file is no plain text: save it as CSV in UTF-8.")
    if number == 1 and text.lower() in HEADS:
        return None
    if "e+" in text.lower():
        raise FieldRefused("not-16-digits", "A spreadsheet has rounded the number; its last digits are lost.")
    return check_nik(text, synthetic_people)
