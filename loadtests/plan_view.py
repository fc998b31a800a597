"""A plan whose page was written anew, on the screen: what the night needs, how sure that is."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text


def document(verdict: dict[str, Any], report: Path) -> dict[str, Any]:
    """The verdict of a plan as it stands in verdict.json, and where the page is."""
    return {**verdict, "report": str(report)}


def show(verdict: dict[str, Any], report: Path, console: Console | None = None) -> None:
    """Print the answer, and where the page is."""
    console = Console() if console is None else console
    judged = verdict["verdict"]
    good = judged["exit_code"] == 0
    console.print(Text(f"{judged['outcome']}: {judged['sentence']}", style="bold green" if good else "bold red"))
    for sentence in verdict["answer"]:
        console.print(Text(sentence))
    console.print(Text(str(report)), soft_wrap=True)
