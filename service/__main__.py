"""`python -m service VERB`: the roles of the service, its embedded database, and what operators ask of it.

Exit code 0 after a clean end, 1 when a role broke, 2 when it could not start as asked (one line on standard error says
what to change), 130 when it was interrupted while it started.
"""

import argparse
import asyncio
import json
import os
import re
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from service import commands
from service.running import UsageError, home, listen, run

if TYPE_CHECKING:
    from service.settings import Settings

# Imports stand inside the functions: `--help` and the verb `database` need none of the web, metrics or partner code.

ROLES = ("web", "worker", "gatekeeper")
DEFAULT_DATA = Path(".launchnight/serve")
UPLOADS_DATA = Path(".launchnight/uploads")
BACKLOG = 4096
INTERRUPTED = 130
HEALTH_LIMIT = 4.0
"""Seconds: readiness itself gives the database 2."""


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="python -m service",
        description="The registration service. Settings come from the environment: see docs/settings.md.",
    )
    verbs = root.add_subparsers(dest="verb", required=True, metavar="VERB")
    texts = {
        "web": "answer requests",
        "worker": "drain the queues to the partners",
        "gatekeeper": "move the waiting room's frontier",
        "all": "the three roles in one process; without DATABASE_URL on an embedded database",
    }
    for verb, text in texts.items():
        sub = verbs.add_parser(verb, help=text, description=text)
        sub.add_argument("--lifeline", action="store_true", help="end when standard input closes")
        if verb == "all":
            sub.add_argument(
                "--data",
                type=Path,
                default=DEFAULT_DATA,
                help="folder of database, key and photos",
            )
    _add_uploads(verbs)
    database = verbs.add_parser("database", help="run the embedded PostgreSQL")
    database.add_argument("--data", type=Path, required=True, help="folder of its files")
    database.add_argument("--port", type=int, default=0, help="0 takes a free one")
    database.add_argument("--lifeline", action="store_true", help="end when standard input closes")
    verbs.add_parser("migrate", help="bring the schema up to date and put the wave of the settings")
    ledger = verbs.add_parser("ledger", help="what the database and the photo store hold, for the audit")
    ledger.add_argument("--json", action="store_true", required=True, help="as one JSON document")
    commands.add_arguments(verbs)
    health = verbs.add_parser("health", help="whether a role that runs here with these settings can do its work")
    health.add_argument("role", choices=ROLES)
    return root


def _add_uploads(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "the upload server alone: files of any kind from anybody; without DATABASE_URL on an embedded database"
    uploads = verbs.add_parser("uploads", help=text, description=text + ". See docs/uploads.md.")
    add = uploads.add_argument
    add("--host", default="127.0.0.1", help="address to listen at (127.0.0.1)")
    add("--port", type=int, default=8080, help="0 takes a free one (8080)")
    add("--base-path", default="/files/", metavar="PATH", help="where uploads are created (/files/)")
    add("--data", type=Path, default=UPLOADS_DATA, help=f"folder of files and database ({UPLOADS_DATA})")
    add("--max-size", type=int, metavar="BYTES", help="of one file (no limit)")
    add("--s3", metavar="URL", help="keep files in a bucket: s3://BUCKET/PREFIX?endpoint=http://...")
    add("--lifeline", action="store_true", help="end when standard input closes")


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    if options.verb == "database":
        from service.storage.embedded import serve

        return serve(options.data, options.port, options.lifeline)
    from service.domain.errors import DatabaseFailure
    from service.settings import SettingsError

    try:
        if options.verb == "migrate":
            return _migrate()
        if options.verb == "ledger":
            return _ledger()
        if options.verb == "health":
            return _health(options.role)
        if options.verb in commands.MODULES:
            return commands.answer(options)
        if options.verb == "uploads":
            return _uploads(options)
        return _serve(options)
    except KeyboardInterrupt:  # before a role was at work; then it is asked to end
        return INTERRUPTED
    except (SettingsError, UsageError) as error:
        print(error, file=sys.stderr)
        return 2
    except DatabaseFailure:
        print("the database of DATABASE_URL does not answer: start it, or correct the address", file=sys.stderr)
        return 2
    except ExceptionGroup as group:
        # Names only: the message of a database error may hold a person's phone number.
        broken = ", ".join(type(each).__name__ for each in group.exceptions)
        print(f"a role broke: {broken}", file=sys.stderr)
        return 1


def _serve(options: argparse.Namespace) -> int:
    from service.settings import load

    with ExitStack() as stack:
        variables: dict[str, str] = dict(os.environ)
        if options.verb == "all":
            stack.enter_context(home(options.data, variables))
        settings = load(variables)
        if options.verb == "all":
            asyncio.run(_bring_up_to_date(settings))
        roles = frozenset(ROLES) if options.verb == "all" else frozenset({options.verb})
        listener = listen(settings.host, settings.port, "REGISTRATION_PORT") if "web" in roles else None
        operators = None
        if "gatekeeper" in roles and settings.operator_token:
            operators = listen(settings.operator_host, settings.operator_port, "REGISTRATION_OPERATOR_PORT")
        from service import app

        work = partial(app.run_roles, roles, operators=operators)
        return run(options.verb, settings, options.lifeline, work, listener)


def _uploads(options: argparse.Namespace) -> int:
    """The listener comes first: who connects while the database starts waits instead of being refused."""
    base = f"/{options.base_path.strip('/')}/".replace("//", "/")
    if not re.fullmatch(r"/([\w.~-]+/)*", base, re.ASCII):
        raise UsageError("--base-path is a plain path, for example /files/")
    if options.max_size is not None and options.max_size < 1:
        raise UsageError("--max-size is a number of bytes, at least 1")
    listener = listen(options.host, options.port, "--port")
    listener.listen(BACKLOG)
    variables = dict(os.environ)
    variables["REGISTRATION_SECRET_KEY"] = secrets.token_hex(32)  # nothing is sealed here
    variables["REGISTRATION_PHOTO_DIR"] = str(options.data / "files")
    if options.s3 is not None:
        variables["REGISTRATION_PHOTO_S3"] = options.s3
    from service.settings import load

    load({"DATABASE_URL": "", **variables})  # a wrong setting is told before a database is started
    with listener, home(options.data, variables):
        from service.upload_server import run_uploads
        from service.web.files import Terms

        terms = Terms(options.max_size, for_everybody=True, base=base)
        return run("uploads", load(variables), options.lifeline, partial(run_uploads, terms), listener)


def _migrate() -> int:
    from service.settings import load

    settings = load(os.environ)
    applied = asyncio.run(_bring_up_to_date(settings))
    print(json.dumps({"applied": list(applied), "wave": settings.wave_id}))
    return 0


async def _bring_up_to_date(settings: "Settings") -> Sequence[str]:
    """Migrate, and put the wave of the settings; the names of the files applied now."""
    from service import app
    from service.storage.migrate import MigrationError

    try:
        return await app.migrate(settings)
    except MigrationError as error:
        raise UsageError(str(error)) from None


def _ledger() -> int:
    from service.settings import load

    settings = load(os.environ)
    print(json.dumps(asyncio.run(_read_ledger(settings))))
    return 0


async def _read_ledger(settings: "Settings") -> Mapping[str, object]:
    from service.storage.ledger import read_ledger
    from service.storage.photo_stores import open_photo_store
    from service.storage.pool import Database

    database = await Database.open(settings.database_url, connections=1, name="ledger")
    try:
        async with open_photo_store(settings) as photos, database.connection() as connection:
            return await read_ledger(connection, photos)
    finally:
        await database.close()


def _health(role: str) -> int:
    """0 when the process answers and can read the database, else 1 with the reason; for an engine's health checks."""
    from http.client import (  # unlike urllib it knows nothing of proxies in the environment
        HTTPConnection,
        HTTPException,
    )

    from service.domain.errors import DatabaseFailure
    from service.metrics_target import EVERYWHERE
    from service.settings import load

    settings = load(os.environ)
    host, port = settings.metrics_host, settings.metrics_port
    if role == "web":
        host, port = settings.host, settings.port
    if not port:
        name = "REGISTRATION_PORT" if role == "web" else "REGISTRATION_METRICS_PORT"
        raise UsageError(f"{name} is 0, so nobody knows where the {role} answers: give it a number")
    connection = HTTPConnection("127.0.0.1" if host in EVERYWHERE else host, port, timeout=HEALTH_LIMIT)
    try:
        connection.request("GET", "/health/ready" if role == "web" else "/metrics")
        status = connection.getresponse().status
        if role != "web":
            asyncio.run(_read_room(settings))
    except (OSError, HTTPException) as error:
        print(f"the {role} does not answer on port {port}: {error}", file=sys.stderr)
        return 1
    except DatabaseFailure:
        print("the database of DATABASE_URL does not answer", file=sys.stderr)
        return 1
    finally:
        connection.close()
    if status != 200:
        print(f"the {role} answers with {status}", file=sys.stderr)
        return 1
    return 0


async def _read_room(settings: "Settings") -> None:
    from service.storage.pool import Database
    from service.storage.transaction import begin_on
    from service.storage.vault import KeyVault

    database = await Database.open(settings.database_url, connections=1, name="health")
    try:
        async with begin_on(database, KeyVault(settings.secret_key))(single=True) as tx:
            await tx.room.read()
    finally:
        await database.close()


if __name__ == "__main__":
    sys.exit(main())
