"""The waiting room's goals with two million people: G7, G8, G10 (a line of two million) and G18 (a night of as many).

`make acceptance NAME=room-millions`. Every person is played: nothing is scaled. Ends with 3 when a bar is missed, with
5 when a part proves nothing. A part is a module beside this one with
  GOALS            the goals that it tells of
  measure(people)  figures; may raise Invalid
  findings(...)    of these figures, one for each bar; may raise Invalid
  page(...)        what stands in docs/waiting-room.md between its marks.
"""

import argparse
import importlib
import sys
import time

from loadtests.harness.errors import Exit
from tests.acceptance.long import room_document
from tests.acceptance.long.room_goals import GOALS, Invalid

PARTS = ("room_crowd", "room_night")
PEOPLE = 2_000_000


def arguments() -> argparse.ArgumentParser:
    about = str(__doc__).partition("\n\n")[0]
    parser = argparse.ArgumentParser(prog="make acceptance NAME=room-millions", description=about)
    parser.add_argument("--only", metavar="G18", action="append", choices=GOALS, help="parts that tell of this goal")
    parser.add_argument("--people", type=int, default=PEOPLE, help="fewer are a look, no proof (%(default)s)")
    parser.add_argument("--write", action="store_true", help="put what was found into docs/waiting-room.md")
    return parser


def main() -> int:
    parser = arguments()
    options = parser.parse_args()
    if options.write and options.people != PEOPLE:
        parser.error(f"--write: the page tells of {PEOPLE:,} people")
    began, missed, invalid = time.monotonic(), 0, 0
    for name in PARTS:
        part = importlib.import_module(f"tests.acceptance.long.{name}")
        if options.only and not set(options.only) & set(part.GOALS):
            continue
        try:
            figures = part.measure(options.people)
            found = part.findings(figures)
        except Invalid as why:
            print(f"INVALID {', '.join(part.GOALS)}: {why}", flush=True)
            invalid += 1
            continue
        except KeyboardInterrupt:
            return Exit.INTERRUPTED
        for each in found:
            print(f"{'held  ' if each.kept else 'MISSED'} {each.goal} {GOALS[each.goal]}: {each.text}", flush=True)
            missed += not each.kept
        if options.write:
            text = room_document.between(room_document.PAGE.read_text(), f"two million: {name}", part.page(figures))
            room_document.PAGE.write_text(text)
    print(f"{missed} missed, {invalid} invalid; {time.monotonic() - began:.0f} s")
    if invalid:
        return Exit.INVALID
    return Exit.MISSED if missed else Exit.OK


if __name__ == "__main__":
    sys.exit(main())
