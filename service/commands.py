"""What operators ask of the service with `python -m service VERB`: a row for each verb, and one way to run them.

The module of a verb has `add_arguments(parser)`, and one or both of
`run(begin, vault, settings, options)`, a coroutine that returns what to print and whether it could be done, and
`run_here(options)`, the same without a database; None where these options need one.
"""

import argparse
import asyncio
import os
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from service.running import UsageError

if TYPE_CHECKING:
    from service.settings import Settings

# Imports stand inside the functions: `--help` needs no database.

MODULES = {
    "queues": ("service.queues.command", "look at the queues, drive dead letters again, change a quota"),
    "waiting-room": (
        "service.waiting_room_command",
        "look at the waiting room, open, pause, pace or schedule it",
    ),
    "counts": ("service.counts_command", "people by stage as they are counted, and counting them anew"),
    "complaints": ("service.complaints_command", "read, forward and answer complaints"),
    "wave": ("service.wave_command", "waves: hours, seats, quotas, dates; close one"),
    "priority": ("service.priority_command", "the list of people who come first: import it, count it"),
    "announce": ("service.announce_command", "tell people by SMS what a draw came to: list, start, pause"),
    "books": ("service.books_command", "the books of all grants: what they hold, and whether they are right"),
    "paper": ("service.paper_command", "applications on paper: take a table, invite its people, who has an account"),
    "staff": ("service.staff_command", "who may sign in at the operators' listener: add, reset, end, audit"),
    "draw": ("service.draw_command", "the draw of a wave's grants: freeze the list, draw, verify, prove"),
}
"""Verb -> its module, and what it is for."""


def add_arguments(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    for verb, (module, text) in MODULES.items():
        import_module(module).add_arguments(verbs.add_parser(verb, help=text))


def answer(options: argparse.Namespace) -> int:
    """Print what was asked for: 0 done, 1 not now, 2 not like this. Raises DatabaseFailure, SettingsError."""
    from service.domain.errors import DatabaseFailure, LaunchnightError

    module = import_module(MODULES[options.verb][0])
    try:
        said = module.run_here(options) if hasattr(module, "run_here") else None
        text, done = said or asyncio.run(_ask(module, options))
    except DatabaseFailure:
        raise
    except LaunchnightError as error:
        print(error, file=sys.stderr)
        return 1 if error.temporary else 2
    except OSError as error:
        raise UsageError(f"cannot use {error.filename}: {error.strerror}") from None
    print(text, file=sys.stdout if done else sys.stderr)
    return 0 if done else 2


async def _ask(module: ModuleType, options: argparse.Namespace) -> tuple[str, bool]:
    from service.settings import load
    from service.storage.pool import Database
    from service.storage.transaction import begin_on
    from service.storage.vault import KeyVault

    settings: Settings = load(os.environ)
    vault = KeyVault(settings.secret_key)
    database = await Database.open(settings.database_url, connections=3, name=options.verb)
    try:
        said: tuple[str, bool] = await module.run(begin_on(database, vault), vault, settings, options)
        return said
    finally:
        await database.close()
