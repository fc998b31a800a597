"""Options of every verb that plays people against a service: `rehearse`, and `capacity` with many runs.

Nothing heavy is imported, so that help comes at once.
"""

import argparse
from collections.abc import Callable

from loadtests.visitors import OPTIONS as VISITORS

Add = Callable[..., argparse.Action]

LANGUAGES = ("en", "id")
"""Those of reports; a test compares."""


def add_people(add: Add, *, pace: str) -> None:
    """Who the people are and how they behave."""
    add("--set", metavar="NAME", help="set of partner capacities (the night's default)")
    add("--manners", metavar="NAME", help="of all clients: punctual, naive, polite or adaptive (the night's shares)")
    add(
        "--uploader",
        metavar="NAME",
        default="patient",
        help="phones' photos: patient, tus_js, uppy, one_shot (patient)",
    )
    add("--pace", metavar="P", default=pace, help=f"what people do by themselves runs P times as fast ({pace})")
    add("--steps", metavar="N", default="0", help="applicants leave after N answers that worked (the whole journey)")
    for name, text in VISITORS.items():
        add(f"--{name.replace('_', '-')}", metavar="X", default="", help=text)


def add_stack(add: Add, *, drain: str) -> None:
    """What they are played against, by how many processes, and where the records go."""
    add("--workers", metavar="N", default="1", help="processes of the swarm (1)")
    add("--drain-minutes", metavar="M", default=drain, help=f"real minutes after the last arrival at most ({drain})")
    add("--replicas", metavar="N", default="1", help="processes of the web role; several need --proxy (1)")
    add("--proxy", metavar="nginx", help="put nginx before them")
    add("--service", metavar="NAME=VALUE", action="append", default=[], help="a setting of the service to try")
    add("--pin", metavar="KIND=CORES", action="append", default=[], help="hold programs to cores: service=0")
    add("--target", metavar="URL", help="play against the service that answers there instead of starting one")
    add("--partners", metavar="URL", help="of --target: its simulated partners")
    add("--ledger", metavar="COMMAND", help="of --target: prints its database's ledger; without it that is not read")
    add("--metrics", metavar="URL", action="extend", nargs="+", help="of --target: metrics of its processes")
    add("--prometheus", metavar="URL|auto", help="take samples from a Prometheus server; auto starts one")
    add("--runs", metavar="DIR", default="runs", help="where run folders go (runs)")
    add("--disk-cap-gb", metavar="GB", default="8", help="stop when the run has written more (8)")


def add_language(add: Add) -> None:
    """Of what is reported."""
    add("--language", metavar="CODE", choices=LANGUAGES, default="en", help="of the report: en, or id for Indonesian")


def add_output(add: Add) -> None:
    """How it tells what it does."""
    add_language(add)
    add("--json", action="store_true", help="one JSON document on standard output")
    add("--quiet", action="store_true", help="no progress")
