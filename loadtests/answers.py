"""Reads the usual answer at a glance: one that came whole, with its length said, on a connection that stays open.

That is nine answers of ten here, and costs a tenth of a parser's callbacks. Whatever else there is, chunks or interim
answers or a line too many, is left to geventhttpclient's parser.
"""

from typing import Any

_STATUS_LINE = b"HTTP/1.1 "
_FIELDS = b"\r\n\r\n"
_BODILESS = (204, 304)


class Fields:
    """Header fields, looked up in the text as it came; `get` is that of geventhttpclient's Headers."""

    __slots__ = ("_low", "_text")

    def __init__(self, text: str) -> None:
        """text: the head, status line included, without the empty line at its end."""
        self._text = text
        self._low = text.lower()

    def get(self, name: str, default: Any = None) -> Any:
        """The value of the field, whatever the case of its name; a list of them where the field stands twice."""
        values = []
        mark = f"\r\n{name.lower()}:"
        at = self._low.find(mark)
        while at >= 0:
            start = at + len(mark)
            end = self._text.find("\r\n", start)
            values.append((self._text[start:end] if end >= 0 else self._text[start:]).strip(" \t"))
            at = self._low.find(mark, start)
        if not values:
            return default
        return values[0] if len(values) == 1 else values

    def __getitem__(self, name: str) -> Any:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None


def at_a_glance(data: bytes, method: str) -> tuple[int, Fields, bytes] | None:
    """Status, fields and body of the answer to a `method` request; None where `data` is not just one usual answer."""
    end = data.find(_FIELDS)
    if end < 0 or not data.startswith(_STATUS_LINE) or not data[9:12].isdigit():
        return None
    status = int(data[9:12])
    fields = Fields(data[:end].decode("latin-1"))
    if status < 200 or "connection" in fields or "transfer-encoding" in fields:
        return None
    body = data[end + 4 :]
    if method == "HEAD" or status in _BODILESS:
        return None if body else (status, fields, b"")
    return (status, fields, body) if fields.get("content-length") == str(len(body)) else None
