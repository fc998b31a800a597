"""The command `launchnight`: rehearse a night, look at nights, report a run, serve the registration alone.

Everything heavy is imported by the verb that needs it, so that help comes at once.
"""

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from loadtests import capacity_options, compare_view, play_options, tool_options

SERVICE_VERBS = {
    "all": "web, worker and gatekeeper in one process",
    "web": "answer HTTP",
    "worker": "work the queues of codes and identity checks",
    "gatekeeper": "invite people from the waiting room",
    "uploads": "the upload server alone, for any file from anybody",
    "database": "run an embedded PostgreSQL",
    "migrate": "bring the database to this version",
    "ledger": "print what the database holds",
    "queues": "look at the queues, drive dead letters again, change a partner's quota",
    "waiting-room": "look at the waiting room; open, pause, pace or schedule it; check a draw",
    "counts": "look at the counts of people, or count everybody anew",
    "complaints": "read, forward and answer complaints",
    "wave": "look at waves; set hours, seats, quotas and dates; close one",
    "priority": "import the list of people who come first",
    "paper": "take tables of paper applications, invite their people, see who has an account",
    "staff": "who may operate: add people, reset or end them, and read the record",
    "draw": "draw the grants of a wave so that anybody can check it",
    "announce": "tell people by SMS what a draw came to",
    "books": "look at the books of all grants, and check them",
    "health": "say whether a role that runs here can do its work",
}
"""Passed on to `python -m service` with everything that follows."""
SIMULATION_VERBS = {
    "calibrate": "fit what requests take and cost to rehearsals",
    "plan": "say what a night needs to hold, by simulation of every person",
    "simulate": "play a night in virtual time, person by person, at full size",
}
"""Passed on to `python -m scenarios.simulation` in the same way."""

CRASH = 1
USAGE = 2
REPORT = "report.html"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(given)
    try:
        code: int = options.run(options)
    except BrokenPipeError:  # whoever read our output has seen enough, `| head` for one
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return CRASH
    return code


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    whole = argparse.ArgumentParser(prog="launchnight", description="Live through a launch night before it happens.")
    verbs = whole.add_subparsers(title="verbs", metavar="VERB", required=True)
    _add_rehearse(verbs)
    capacity_options.add(verbs).set_defaults(run=_capacity)
    _add_nights(verbs)
    _add_plan(verbs)
    _add_report(verbs)
    compare_view.add_verb(verbs).set_defaults(run=_compare)
    _add_export(verbs)
    tool_options.add_serve(verbs).set_defaults(run=_serve)
    tool_options.add_self_test(verbs).set_defaults(run=_self_test)
    tool_options.add_doctor(verbs).set_defaults(run=_doctor)
    for verb, text in SERVICE_VERBS.items():
        _pass_on(verbs, verb, f"service: {text}", "service")
    for verb, text in SIMULATION_VERBS.items():
        passed_on = _pass_on(verbs, verb, text, "scenarios.simulation")
        if verb in ("plan", "simulate"):
            passed_on.set_defaults(run=_simulate)
    return whole


def _pass_on(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", verb: str, text: str, program: str
) -> argparse.ArgumentParser:
    """A verb of another program, whose business is whatever follows, options and --help included."""
    passed_on = verbs.add_parser(verb, help=text, add_help=False, prefix_chars="\0")
    passed_on.add_argument("rest", nargs="*")
    passed_on.set_defaults(run=_passed_on, verb=verb, program=program)
    return passed_on


def _add_rehearse(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    rehearse = verbs.add_parser(
        "rehearse",
        help="play a night against the service on this machine, or a running one, and report",
        description="Start database, partners, service and swarm on this machine, play a night, audit, report; "
        "with --target the swarm alone, against a stack that runs already.",
        epilog=(
            "exit codes: 0 objectives met, 1 crash, 2 usage or configuration, 3 objective missed, "
            "4 target never ready, 5 not valid (generator late, a fault did not bite), 6 data lost or doubled, "
            "130 interrupted"
        ),
    )
    rehearse.set_defaults(run=_rehearse)
    add = rehearse.add_argument
    add("night", metavar="NIGHT", help="a name of `launchnight nights`, or a TOML file")
    add("--reading", metavar="NAME", help="reading of the curve: gentle, expected, harsh (the night's default)")
    _add_arrivals(add)
    play_options.add_people(add, pace="20")
    play_options.add_stack(add, drain="12")
    add("--keep-photos", action="store_true", help="keep the photo bytes after the audit")
    add("--abort-on-miss", action="store_true", help="end the run when an objective cannot be met any more (exit 3)")
    play_options.add_output(add)


def _add_plan(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    plan = verbs.add_parser(
        "arrivals",
        help="print and draw the plan of a run: who arrives when, and what the generator needs",
        description="Print and draw the plan that a run would have, and what the generator would need for it.",
    )
    plan.set_defaults(run=_show_plan)
    add = plan.add_argument
    add("night", metavar="NIGHT", help="a name of `launchnight nights`, or a TOML file")
    add("--reading", metavar="NAME", help="reading of the curve (the night's default)")
    _add_arrivals(add)
    add("--steps", metavar="N", default="0", help="applicants leave after N answers that worked (the whole journey)")
    add("--pace", metavar="P", default="20", help="what people do by themselves runs P times as fast (20)")
    add("--workers", metavar="N", default="0", help="processes of the swarm (as many as it needs)")
    add("--svg", metavar="FILE", help="draw the plan in this file")
    add("--json", action="store_true", help="one JSON document on standard output")


def _add_arrivals(add: "Callable[..., argparse.Action]") -> None:
    """What makes a plan of arrivals."""
    add(
        "--arrivals",
        metavar="KIND",
        default="",
        help="instead of the curve: constant:RATE, ramp:FROM-TO, steps:RATExSECONDS,..., a .csv or .parquet file",
    )
    add(
        "--spacing",
        metavar="NAME",
        default="random",
        help="how arrivals lie between each other: random, exact (random)",
    )
    add("--people", metavar="1/N", default="", help="share of persons and of partners' capacities (1/100; 1 of KIND)")
    add("--speed", metavar="S", default="1", help="the night's clock runs S times as fast (1)")
    add("--minutes", metavar="M", default="", help="minutes of the night's clock to play (5; all of steps and files)")
    add("--seed", metavar="N", default="1", help="same seed, same people (1)")


def _add_nights(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    nights = verbs.add_parser("nights", help="list the nights, or show one", description="List the nights.")
    nights.set_defaults(run=_nights)
    inner = nights.add_subparsers(metavar="show")
    show = inner.add_parser("show", help="a night's curve and figures", description="Show a night: curve, figures.")
    show.add_argument("night", metavar="NIGHT", help="a name, or a TOML file")
    show.add_argument("--svg", metavar="FILE", help="where the curve is drawn (NIGHT.svg)")
    show.set_defaults(run=_show_night)


def _add_report(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    report = verbs.add_parser(
        "report",
        help="write a run's report anew",
        description="Judge a run folder and write its report anew; the exit code is the verdict's.",
    )
    report.add_argument("folder", metavar="RUN", type=Path, help="a run folder")
    play_options.add_language(report.add_argument)
    report.add_argument("--json", action="store_true", help="one JSON document on standard output")
    report.set_defaults(run=_report)


def _add_export(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    export = verbs.add_parser(
        "export",
        help="write a run's samples for Prometheus",
        description="Write the samples of a run as OpenMetrics text (metrics.om in its folder): docs/dashboards.md.",
    )
    export.add_argument("folder", metavar="RUN", type=Path, help="a run folder")
    export.set_defaults(run=_export)


def _rehearse(options: argparse.Namespace) -> int:
    from loadtests.harness.errors import Exit, HarnessError, NotReady, Refusal
    from loadtests.harness.order import order_of
    from loadtests.harness.progress import display_for
    from loadtests.harness.rehearsal import Rehearsal
    from loadtests.harness.signals import Interrupted, Signals

    code = Exit.OK
    try:
        with Signals() as signals:
            order = order_of(options)
            with display_for(quiet=options.quiet) as display:
                rehearsal = Rehearsal(order, display, signals)
                try:
                    rehearsal.run()
                except NotReady as fault:
                    _complain(fault.faults)
                    code = Exit.NOT_READY
                except Refusal:
                    raise
                except HarnessError as fault:
                    _complain(fault.faults)
                    code = Exit.CRASH
                except Exception:
                    traceback.print_exc()
                    code = Exit.CRASH
            return _write_report(rehearsal.folder.path, options, code)
    except Refusal as fault:
        return _complain(fault.faults)
    except Interrupted:
        return Exit.INTERRUPTED


def _capacity(options: argparse.Namespace) -> int:
    import reports
    from loadtests import capacity
    from loadtests.harness.errors import Exit, HarnessError
    from loadtests.harness.signals import Interrupted
    from reports.probes import called

    usual, rehearsal = (parser().parse_args(words) for words in (["capacity"], ["rehearse", "-"]))
    try:
        folder, code = capacity.run(
            options, usual, rehearsal, judge=lambda run: reports.write(run, options.language).to_dict(), knee=called
        )
    except HarnessError as fault:
        _complain(fault.faults)
        return fault.exit_code
    except Interrupted:
        return Exit.INTERRUPTED
    return _write_report(folder, options, code)


def _nights(options: argparse.Namespace) -> int:
    from loadtests import nights_view

    return nights_view.list_nights()


def _show_night(options: argparse.Namespace) -> int:
    from loadtests import nights_view
    from scenarios.catalogue import NightError

    try:
        return nights_view.show(options.night, options.svg)
    except NightError as fault:
        return _complain(fault.faults)


def _show_plan(options: argparse.Namespace) -> int:
    from loadtests import arrivals_view

    return arrivals_view.show(options)


def _report(options: argparse.Namespace) -> int:
    from scenarios.record import RecordError

    try:
        return _write_report(options.folder, options)
    except RecordError as fault:
        return _complain([str(fault)])
    except BrokenPipeError:
        raise
    except OSError as fault:
        return _complain([f"cannot write {options.folder}: {fault.strerror}"])


def _compare(options: argparse.Namespace) -> int:
    from reports.compared import asked
    from reports.comparison import NotComparable
    from scenarios.record import RecordError

    try:
        document = asked(options, compare_view.folders(options))
    except (compare_view.Misused, NotComparable, RecordError) as refused:
        return _complain(str(refused).splitlines())
    except OSError as fault:
        return _complain([f"cannot write {options.runs}: {fault.strerror}"])
    compare_view.show(document, as_json=options.json)
    return int(document["exit_code"])


def _export(options: argparse.Namespace) -> int:
    from loadtests import openmetrics
    from scenarios.record import RecordError, Run

    try:
        run = Run.load(options.folder)
        done = openmetrics.export(run)
    except (RecordError, openmetrics.NoSamples) as fault:
        return _complain([str(fault)])
    except OSError as fault:
        return _complain([f"cannot write {options.folder}: {fault.strerror}"])
    first, last = (round(moment * 1000) for moment in (done.first, done.last))
    print(f"{done.path}: {done.samples:,} samples of {done.series:,} series")
    print(f"load it: promtool tsdb create-blocks-from openmetrics {done.path} FOLDER")
    print(f"look at it: /d/launchnight-run?var-run={run.config['id']}&from={first}&to={last}")
    return 0


def _write_report(folder: Path, options: argparse.Namespace, code: int = 0) -> int:
    """Judge the run, write its report and print the verdict; returns the exit code, the verdict's or `code`.

    options: `language` of the report, `json` to print it so. code: what already went wrong; no verdict makes it better,
    and it stands even when so little was recorded that no report can be written.
    """
    import reports
    from loadtests import capacity_view, plan_view, verdict_view
    from loadtests.harness.errors import Exit, first_of
    from reports.wording import speaking
    from scenarios.capacity_record import is_capacity
    from scenarios.plan_record import is_plan

    view = capacity_view if is_capacity(folder) else plan_view if is_plan(folder) else verdict_view
    try:
        verdict = reports.write(folder, options.language)
    except Exception:
        if not code:
            raise
        _complain([f"no report: too little was recorded; what there is: {folder}"])
        return code
    with speaking(options.language):  # in which answers are worded when they are told
        told = verdict.to_dict()
    if options.json:
        print(json.dumps(view.document(told, folder / REPORT)))
    else:
        view.show(told, folder / REPORT)
    return first_of([Exit(code), Exit(verdict.exit_code)])


def _self_test(options: argparse.Namespace) -> int:
    from loadtests import self_test
    from loadtests.harness.errors import HarnessError

    try:
        return self_test.run(options.rate, options.seconds, options.freeze, options.seed, as_json=options.json)
    except HarnessError as fault:
        _complain(fault.faults)
        return fault.exit_code


def _doctor(options: argparse.Namespace) -> int:
    from loadtests.harness import doctor

    return doctor.show(doctor.diagnose(), as_json=options.json)


def _passed_on(options: argparse.Namespace) -> int:
    os.execv(sys.executable, [sys.executable, "-m", options.program, options.verb, *options.rest])


def _simulate(options: argparse.Namespace) -> int:
    from loadtests import simulated

    def report(folder: Path, language: str) -> dict[str, Any]:
        import reports
        from reports.wording import speaking

        with speaking(language):
            return reports.write(folder, language).to_dict()

    return simulated.run(options.verb, options.rest, report, REPORT)


def _serve(options: argparse.Namespace) -> int:
    from loadtests.harness.errors import HarnessError
    from loadtests.harness.serving import serve

    try:
        return serve(port=options.port, partners_port=None if options.no_partners else options.partners_port)
    except HarnessError as fault:
        _complain(fault.faults)
        return fault.exit_code


def _complain(faults: Sequence[str]) -> int:
    """One line for each fault on standard error; returns the code of a fault that the caller can mend."""
    for fault in faults:
        print(f"launchnight: {fault}", file=sys.stderr)
    return USAGE


if __name__ == "__main__":
    sys.exit(main())
