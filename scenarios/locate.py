"""Where in a TOML file a key stands: tomllib reads values but keeps no lines.

The text is known to be valid TOML (tomllib has accepted it), so this walk only has to find keys and skip values.
Paths are dotted with positions in brackets: `curve.blocks[3].people`, `partners.prepared.email.rate_per_s`.
"""

from __future__ import annotations

import re
from collections import Counter

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]+")
_QUOTES = ('"""', "'''", '"', "'")


def lines(text: str) -> dict[str, int]:
    """The line, counted from 1, of each key, table header and array element of a valid TOML document."""
    return _Walk(text).lines


def line_of(key: str, found: dict[str, int]) -> int:
    """The line of `key`, or of the nearest table around it that is written out; 1 if there is none."""
    while key:
        if key in found:
            return found[key]
        key = key[: max(key.rfind("."), key.rfind("["), 0)]
    return 1


class _Walk:
    """One pass over the text; `at` is the position."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[str, int] = {}
        self.elements: Counter[str] = Counter()
        """Elements so far of each array of tables."""
        table = ""
        while self._skip(" \t\r\n"):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _note(self, path: str, at: int) -> None:
        self.lines.setdefault(path, self.text.count("\n", 0, at) + 1)

    def _skip(self, blanks: str) -> bool:
        """Pass blanks and comments; whether any text is left."""
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif self.text[self.at] in blanks:
                self.at += 1
            else:
                return True
        return False

    def _header(self) -> str:
        start = self.at
        doubled = self.text.startswith("[[", start)
        self.at += 2 if doubled else 1
        parts = self._key()
        self.at += 2 if doubled else 1
        path = ""
        for place, part in enumerate(parts):
            path = _joined(path, part)
            is_last = place == len(parts) - 1
            if doubled and is_last:
                self._note(path, start)
                self.elements[path] += 1
            if self.elements[path]:
                # A header below an array of tables means the array's newest element.
                path = f"{path}[{self.elements[path] - 1}]"
        self._note(path, start)
        return path

    def _key(self) -> list[str]:
        """The parts of a dotted key; stands behind it afterwards, blanks passed."""
        parts: list[str] = []
        while True:
            self._skip(" \t")
            if self.text[self.at] in "\"'":
                parts.append(self._string())
            else:
                found = _BARE.match(self.text, self.at)
                assert found, "the document is valid TOML"
                parts.append(found.group())
                self.at = found.end()
            self._skip(" \t")
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def _pair(self, table: str) -> None:
        start = self.at
        path = table
        for part in self._key():
            path = _joined(path, part)
            self._note(path, start)
        self.at += 1  # the equals sign
        self._skip(" \t")
        self._value(path)

    def _value(self, path: str) -> None:
        first = self.text[self.at]
        if first in "\"'":
            self._string()
        elif first == "[":
            self._list(path)
        elif first == "{":
            self._inline_table(path)
        else:
            found = _SCALAR.match(self.text, self.at)
            assert found, "the document is valid TOML"
            self.at = found.end()

    def _list(self, path: str) -> None:
        self.at += 1
        place = 0
        while self._skip(" \t\r\n,") and self.text[self.at] != "]":
            self._note(f"{path}[{place}]", self.at)
            self._value(f"{path}[{place}]")
            place += 1
        self.at += 1

    def _inline_table(self, path: str) -> None:
        self.at += 1
        while self._skip(" \t\r\n,") and self.text[self.at] != "}":
            self._pair(path)
        self.at += 1

    def _string(self) -> str:
        """The text between the quotes as written (a key with escapes keeps them)."""
        quotes = next(each for each in _QUOTES if self.text.startswith(each, self.at))
        start = self.at + len(quotes)
        end = start
        while not self.text.startswith(quotes, end):
            end += 2 if quotes[0] == '"' and self.text[end] == "\\" else 1
        if len(quotes) == 3:
            # Up to two quotes may stand right before the closing three.
            while self.text.startswith(quotes[0], end + 3):
                end += 1
        self.at = end + len(quotes)
        return self.text[start:end]


def _joined(path: str, part: str) -> str:
    return f"{path}.{part}" if path else part
