"""The answer of a report on the screen, from verdict.json: what, how much, how sure."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

STYLES = {"sure": "green", "likely": "cyan", "a guess": "yellow", "": "dim"}


def show(answers: list[dict[str, Any]], console: Console) -> None:
    """Print each answer on a line: its value and interval, or why it is not known; how it was come by."""
    if not answers:
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for one in answers:
        value = f"{one['text']} ({one['interval']})" if one["interval"] else one["text"]
        manner = one["manner"] if one["value"] is not None else ""
        table.add_row(Text(one["what"]), Text(value), Text(manner, style=STYLES[one["confidence"]]))
    console.print(table)
