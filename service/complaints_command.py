"""What operators ask about complaints: `launchnight complaints [list|forward|answer]`.

What people wrote is opened here and shown to whoever runs it, who has the key of the settings.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from service import shell_names
from service.actions import complaints as actions
from service.actions.complaints import FollowedComplaint
from service.domain.complaints import MOST_TEXT, STATE_WORDS, complaint_text, known_regency
from service.domain.errors import FieldRefused
from service.ports import Begin, Vault
from service.settings import Settings

_MOST_LINES = 1000
_STATES = {word: state for state, word in STATE_WORDS.items()}


class _Now:
    def now(self) -> datetime:
        return datetime.now(UTC)


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.set_defaults(what="list", state=None, regency=None, after=0, most=50, json=False)
    whats = verb.add_subparsers(dest="what", metavar="list|forward|answer")
    listing = whats.add_parser("list", help="complaints by number: what was written, and where each has come to")
    listing.add_argument("--state", choices=_STATES, help="only those in this state")
    listing.add_argument("--regency", type=_regency, metavar="CODE", help="only those of this regency, four digits")
    listing.add_argument("--after", type=_number, default=0, metavar="NUMBER", help="only those with higher numbers")
    listing.add_argument("--most", type=_most, default=50, metavar="N", help="so many at most (50)")
    forwarding = whats.add_parser("forward", help="to the labor office of the regency, under the number of a letter")
    answering = whats.add_parser("answer", help="what whoever filed it reads when following it")
    for each in (forwarding, answering):
        each.add_argument("number", type=_number, help="of the complaint")
        each.add_argument("--who", type=shell_names.name, default=shell_names.user(), help="your name on the record")
    answering.add_argument("text", type=_text, help=f"the answer, at most {MOST_TEXT} characters")
    for each in (listing, forwarding, answering):
        each.add_argument("--json", action="store_true", help="as one JSON document")


def _number(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**31:
        raise ValueError
    return number


def _most(text: str) -> int:
    most = int(text)
    if not 1 <= most <= _MOST_LINES:
        raise ValueError
    return most


def _regency(text: str) -> int:
    try:
        return known_regency(int(text))
    except FieldRefused as refused:
        raise argparse.ArgumentTypeError(refused.detail) from None


def _text(text: str) -> str:
    try:
        kept = complaint_text(text)
    except FieldRefused as refused:
        raise argparse.ArgumentTypeError(refused.detail) from None
    if len(kept) > MOST_TEXT:
        raise argparse.ArgumentTypeError(f"at most {MOST_TEXT} characters are kept")
    return kept


async def run(begin: Begin, _: Vault, __: Settings, options: argparse.Namespace) -> tuple[str, bool]:
    """What to print, and whether it could be done. Raises LaunchnightError."""
    what = options.what or "list"
    if what == "forward":
        return _shown([await actions.forward_complaint(begin, _Now(), options.who, options.number)], options.json), True
    if what == "answer":
        done = await actions.answer_complaint(begin, _Now(), options.who, options.number, options.text)
        return _shown([done], options.json), True
    state = None if options.state is None else _STATES[options.state]
    found = await actions.list_complaints(begin, state, options.regency, options.after, options.most)
    return _shown(found, options.json), True


def _shown(complaints: Sequence[FollowedComplaint], as_json: bool) -> str:
    if as_json:
        return json.dumps([_row(each) for each in complaints], indent=2, ensure_ascii=False)
    return "\n\n".join(_lines(each) for each in complaints) or "none"


def _row(complaint: FollowedComplaint) -> Mapping[str, object]:
    times = {
        name: None if value is None else value.isoformat(timespec="seconds")
        for name, value in asdict(complaint).items()
        if name.endswith("_at")
    }
    return asdict(complaint) | times


def _lines(complaint: FollowedComplaint) -> str:
    """One complaint for a person; what was written is indented, so that it cannot pass for a line of ours."""
    head = (
        f"{complaint.number}  {complaint.state}  {complaint.category}  {complaint.regency} {complaint.regency_name}"
        f"  filed {complaint.filed_at.isoformat(timespec='minutes')}"
    )
    if complaint.letter_number is not None:
        head += f"  letter {complaint.letter_number}"
    texts = [("", complaint.text), ("answer: ", complaint.answer or "")]
    return "\n".join([head, *(f"    {name}{line}" for name, text in texts if text for line in text.split("\n"))])
