"""docs/waiting-room.md: the tables and the picture as the acceptance found them."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtests.harness.processes import ROOT
from tests.acceptance.long.room_goals import Row, table

PAGE = ROOT / "docs" / "waiting-room.md"
PICTURE = ROOT / "docs" / "images" / "waiting-room.svg"


def between(text: str, name: str, new: str) -> str:
    """`text` with what stands between the two marks of `name` replaced. Raises ValueError when they are not there."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    first, last = text.index(begin) + len(begin), text.index(end)
    return text[:first] + new.rstrip() + "\n" + text[last:]


def comparison(rooms: Sequence[dict[str, Any]], words: dict[str, str]) -> str:
    """rooms: the figures of each seed. The worst of them stands in the table."""
    columns = "| room | limit used | fullest minute | fullest second | overtaken by | half absent costs | looks each |"
    lines = [columns, "|---|---|---|---|---|---|---|"]
    for name, text in words.items():
        found = [one[name] for one in rooms]

        def worst(key: str, of: Sequence[dict[str, Any]] = found) -> float:
            return float(max(one[key] for one in of))

        used = min(one["used"] for one in found)
        lines.append(
            f"| {text} | {used:.1%} | {worst('most_60s') / rooms[0]['limit_60s']:.0%} of its limit "
            f"| {worst('most_1s') / rooms[0]['limit_1s']:.0%} of its limit | {worst('overtaken_most_s'):.0f} s "
            f"| {worst('slower'):+.1%} | {worst('polls'):.0f} |"
        )
    return "\n".join(lines)


def write(rows: Sequence[Row], how: str, rooms: Sequence[dict[str, Any]], words: dict[str, str], folder: Path) -> None:
    """how: how the figures came about, one line; folder: where the picture of the comparison lies."""
    text = between(PAGE.read_text(), "the table", f"{table(rows)}\n\n{how}")
    if rooms:
        text = between(text, "the comparison", comparison(rooms, words))
        shutil.copy(sorted(folder.glob("rooms-*.svg"))[0], PICTURE)
    PAGE.write_text(text)
