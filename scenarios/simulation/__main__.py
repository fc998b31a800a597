"""The simulation's verbs: `python -m scenarios.simulation VERB`, which `launchnight VERB` starts.

The module of a verb has `add_arguments(parser)` and `run(options)`, which returns the exit code: 0 done, 1 crash, 2 not
like this. Each is imported by its own verb only, so that help comes at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

MODULES = {
    "calibrate": ("scenarios.simulation.calibrate", "fit what requests take and cost to rehearsals"),
    "plan": ("scenarios.simulation.plan", "say what a night needs to hold, by simulation of every person"),
    "simulate": ("scenarios.simulation.simulate", "play a night in virtual time, person by person, at full size"),
}
"""Verb -> its module, and what it is for."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    whole = argparse.ArgumentParser(prog="launchnight", description="The night in virtual time.")
    verbs = whole.add_subparsers(title="verbs", metavar="VERB", required=True, dest="verb")
    for verb, (module, text) in MODULES.items():
        own = verbs.add_parser(verb, help=text)
        if given[:1] == [verb]:
            import_module(module).add_arguments(own)
    options = whole.parse_args(given)
    try:
        return int(import_module(MODULES[options.verb][0]).run(options))
    except BrokenPipeError:  # whoever read our output has seen enough, `| head` for one
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


if __name__ == "__main__":
    sys.exit(main())
