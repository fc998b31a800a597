"""Options of the verbs that play no night: `serve`, `self-test`, `doctor`.

Nothing heavy is imported, so that help comes at once.
"""

import argparse
from typing import TypeAlias

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_serve(verbs: Verbs) -> argparse.ArgumentParser:
    serve = verbs.add_parser(
        "serve",
        help="run the service alone, with simulated partners beside it",
        description="Run the service in one process, on an embedded database unless DATABASE_URL is set.",
    )
    serve.add_argument("--port", default="8000", help="port of the API (8000)")
    serve.add_argument("--partners-port", default="8100", help="port of the simulated partners (8100)")
    serve.add_argument("--no-partners", action="store_true", help="partners are elsewhere: REGISTRATION_PARTNERS_URL")
    return serve


def add_self_test(verbs: Verbs) -> argparse.ArgumentParser:
    self_test = verbs.add_parser(
        "self-test",
        help="say whether what the swarm measures on this machine can be believed",
        description="Let a target of our own stand still while people come on schedule, and compare what the swarm "
        "measured with what arithmetic says they waited.",
        epilog="exit codes: 0 it fits within 2 %, 1 crash, 2 usage, 4 a program did not come up, 5 it does not fit",
    )
    self_test.add_argument("--rate", metavar="N", type=float, default=100.0, help="people a second (100)")
    self_test.add_argument("--seconds", metavar="S", type=float, default=60.0, help="for which they come (60)")
    self_test.add_argument("--freeze", metavar="S", type=float, default=10.0, help="that the target stands still (10)")
    self_test.add_argument("--seed", metavar="N", type=int, default=1, help="of the instants they come at (1)")
    self_test.add_argument("--json", action="store_true", help="one JSON document on standard output")
    return self_test


def add_doctor(verbs: Verbs) -> argparse.ArgumentParser:
    doctor = verbs.add_parser(
        "doctor",
        help="say what is missing on this machine for which verb, with the fix",
        description="Say what is missing on this machine for which verb, with the fix; 2 only when nothing can work.",
    )
    doctor.add_argument("--json", action="store_true", help="one JSON document on standard output")
    return doctor
