"""Reads the usual answer at a glance: one that came whole, with its length said, on a connection that stays open.

That is nine answers of ten here, and costs a tenth of a parser's callbacks. Whatever else there is, chunks or interim
answers or a line too many, is left to geventhttpclient's parser.
"""

from typing import Any

_STATUS_LINE = b"HTTP/1.1 "
_BODILESS = (204, 304)
_UNUSUAL = b"\r\nconnection:", b"\r\ntransfer-encoding:"
_LENGTH = b"\r\ncontent-length:"


class Fields:
    """Header fields, looked up in the text as it came; `get` is that of geventhttpclient's Headers."""

    __slots__ = ("_head", "_low")

    def __init__(self, head: bytes, low: bytes) -> None:
        """head: status line and fields, without the empty line at their end; low: the same in lower case."""
        self._head = head
        self._low = low

    def get(self, name: str, default: Any = None) -> Any:
        """The value of the field, whatever the case of its name; a list of them where the field stands twice."""
        values = []
        mark = f"\r\n{name.lower()}:".encode("latin-1")
        at = self._low.find(mark)
        while at >= 0:
            start = at + len(mark)
            end = self._head.find(b"\r\n", start)
            values.append((self._head[start:end] if end >= 0 else self._head[start:]).strip(b" \t").decode("latin-1"))
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
    end = data.find(b"\r\n\r\n")
    if end < 0 or not data.startswith(_STATUS_LINE) or not data[9:12].isdigit():
        return None
    status = int(data[9:12])
    head = data[:end]
    low = head.lower()
    if status < 200 or _UNUSUAL[0] in low or _UNUSUAL[1] in low:
        return None
    body = data[end + 4 :]
    if method == "HEAD" or status in _BODILESS:
        return None if body else (status, Fields(head, low), b"")
    at = low.find(_LENGTH)
    if at < 0 or low.find(_LENGTH, at + 1) >= 0:
        return None
    line = low.find(b"\r\n", at + 1)
    length = low[at + len(_LENGTH) : line if line >= 0 else end].strip(b" \t")
    return (status, Fields(head, low), body) if length == b"%d" % len(body) else None
