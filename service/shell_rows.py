"""How what operators asked for is printed: a row, or many, for people or as JSON."""

import json
from collections.abc import Mapping, Sequence


def row(found: Mapping[str, object], *, as_json: bool) -> str:
    """One line: each name with its value."""
    if as_json:
        return json.dumps(found)
    return "  ".join(f"{name} {'-' if value is None else value}" for name, value in found.items())


def rows(found: Sequence[Mapping[str, object]], *, as_json: bool) -> str:
    """A line each, or one JSON list."""
    if as_json:
        return json.dumps(found, indent=2)
    return "\n".join(row(each, as_json=False) for each in found) or "none"
