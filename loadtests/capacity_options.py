"""The command line of `launchnight capacity`. Nothing heavy is imported, so that help comes at once."""

import argparse

from loadtests import play_options


def add(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """The verb `capacity`; returns its parser."""
    capacity = verbs.add_parser(
        "capacity",
        help="search for the most people a second that the service carries within the objectives",
        description="Play one rehearsal after the other at rates of its own choice, until the highest rate that holds "
        "the night's objectives is bracketed and confirmed; then go past it.",
        epilog=(
            "exit codes: 0 the capacity is known, 1 crash, 2 usage or configuration, 3 no call (the reason is said), "
            "4 target never ready, 5 the generator was the limit, 130 interrupted"
        ),
    )
    option = capacity.add_argument
    option("night", metavar="NIGHT", nargs="?", default="", help="a name of `launchnight nights`, or a TOML file")
    option("--resume", metavar="FOLDER", default="", help="go on with the search in this folder, as it began")
    option("--from", dest="from_per_s", metavar="R", default="1", help="people a second of the first probe (1)")
    option("--probes", metavar="N", default=None, help="probes at most until the limit is known (8)")
    option(
        "--minutes", metavar="M", default="3", help="minutes of the night's clock in which a probe's people come (3)"
    )
    option("--no-beyond", action="store_true", help="stop at the limit: neither 2 and 4 times as many, nor a jump")
    option(
        "--people", metavar="1/N", default="1", help="share of partners' capacities, the gate and queues' bounds (1)"
    )
    option("--speed", metavar="S", default="1", help="the night's clock runs S times as fast (1)")
    option("--seed", metavar="N", default="1", help="same seed, same people (1)")
    play_options.add_people(option, pace="60")
    play_options.add_stack(option, drain="5")
    play_options.add_output(option)
    return capacity
