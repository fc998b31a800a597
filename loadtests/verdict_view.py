"""The verdict on the screen: a table for people, one document for programs."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtests import answer_view

LEDGER_KEYS = ("client", "database", "partners", "unknown", "difference")
MARKS = {True: ("met", "green"), False: ("missed", "bold red"), None: ("not judged", "dim")}


def document(verdict: dict[str, Any], report: Path) -> dict[str, Any]:
    """What `--json` prints. verdict: as in verdict.json."""
    judged = verdict["verdict"]
    return {
        **{
            key: verdict[key]
            for key in ("planned", "plan_hash", "seed", "factors", "fates", "lateness_ms", "generator", "answer")
        },
        "ledgers": {kind: {key: ledger[key] for key in LEDGER_KEYS} for kind, ledger in verdict["ledgers"].items()},
        "verdict": {key: judged[key] for key in ("outcome", "exit_code", "objectives")},
        "report": str(report),
        "cpu_s": verdict["cpu_s"],
    }


def show(verdict: dict[str, Any], report: Path, console: Console | None = None) -> None:
    """Print the verdict, its objectives, fates and ledgers, and where the report is."""
    console = Console() if console is None else console
    judged = verdict["verdict"]
    good = judged["exit_code"] == 0
    console.print(Text(f"{judged['outcome']}: {judged['sentence']}", style="bold green" if good else "bold red"))
    answer_view.show(verdict["answer"], console)
    if any(objective["met"] is not None for objective in judged["objectives"]):
        console.print(_objectives(judged["objectives"]))
    for finding in judged["findings"]:
        console.print(Text(f"exit {finding['code']}: {finding['text']}", style="red"))
    for audit in verdict["generator"] or ():
        told = f"what to do: {audit['advice']}" if audit["invalid"] else f"generator: {audit['cause']}"
        console.print(Text(told, style="red" if audit["invalid"] else "yellow"))
    for remark in judged["remarks"]:
        console.print(Text(f"note: {remark}", style="yellow"))
    fates = ", ".join(f"{count:,} {name}" for name, count in verdict["fates"].items())
    console.print(Text(f"{verdict['planned']:,} planned: {fates}"))
    if verdict["ledgers"]:
        kinds = ", ".join(f"{kind.replace('_', ' ')} {_count(one)}" for kind, one in verdict["ledgers"].items())
        console.print(Text(f"differences between the ledgers: {kinds}"))
    if verdict["cpu_s"]:
        cpu = ", ".join(f"{role} {seconds:.1f}" for role, seconds in verdict["cpu_s"].items())
        console.print(Text(f"CPU seconds: {cpu}"))
    # Alone on its line and never broken, so that it can be clicked and copied.
    console.print(Text(str(report)), soft_wrap=True)


def _objectives(objectives: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("objective", "result", "detail"):
        table.add_column(name)
    for objective in objectives:
        word, style = MARKS[objective["met"]]
        table.add_row(Text(objective["text"]), Text(word, style=style), Text(objective["detail"]))
    return table


def _count(ledger: dict[str, Any]) -> str:
    return "unknown" if ledger["difference"] is None else f"{ledger['difference']:,}"
