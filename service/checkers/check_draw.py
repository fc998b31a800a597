#!/usr/bin/env python3
"""Check a published draw with nothing but Python: python3 check_draw.py FOLDER

Recomputes from tickets.txt, rules.json, frozen.json and result.json who is chosen and who waits. Ends with 0 when
winners.txt and waiting.txt say the same, else with 1 and the reason. How it works: docs/draw.md.
"""

import itertools
import json
import re
import sys
from hashlib import sha256
from pathlib import Path
from typing import NoReturn


def fail(reason: str) -> NoReturn:
    sys.exit(f"REFUSED: {reason}")


def root_of(lines: list[bytes]) -> str:
    level = [sha256(b"\0" + line).digest() for line in lines]
    while len(level) > 1:
        above = [sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = above + level[len(level) & ~1 :]
    return level[0].hex() if level else sha256().hexdigest()


def lines_of(path: Path) -> list[bytes]:
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        fail(f"{path.name} is cut off")
    return content.split(b"\n")[:-1]


def main(folder: Path) -> None:
    frozen_bytes, rules_bytes = (folder / "frozen.json").read_bytes(), (folder / "rules.json").read_bytes()
    frozen, rules = json.loads(frozen_bytes), json.loads(rules_bytes)
    result, tickets = json.loads((folder / "result.json").read_bytes()), lines_of(folder / "tickets.txt")
    if frozen["format"] != "launchnight grants 1":
        fail("frozen.json is of another format")
    if sha256(rules_bytes).hexdigest() != frozen["rules_sha256"]:
        fail("rules.json is not what was frozen")
    if len(tickets) != frozen["tickets"] or root_of(tickets) != frozen["root"]:
        fail("tickets.txt is not what was frozen")
    if not all(re.fullmatch(rb"[0-9a-f]{32} [0-9]{2} [01]", line) for line in tickets):
        fail("a line of tickets.txt is not TICKET PROVINCE PRIORITY")
    if any(a[:32] >= b[:32] for a, b in itertools.pairwise(tickets)):
        fail("tickets.txt is not in order, or a ticket stands twice")
    said = f"launchnight grants 1\n{sha256(frozen_bytes).hexdigest()}\n{result['beacon']}\n{result['dice']}\n"
    seed = sha256(said.encode()).digest()
    if seed.hex() != result["seed"] or bool(result["dice"]) != bool(frozen["dice"]):
        fail("the seed does not follow from frozen list, beacon and dice as announced")
    struck = set(lines_of(folder / "withdrawn.txt")) if (folder / "withdrawn.txt").exists() else set()
    in_line = (line for line in tickets if line[:32] not in struck)
    order = sorted((one[36:] != b"1", sha256(seed + bytes.fromhex(one[:32].decode())).digest(), one) for one in in_line)
    left = dict(rules["provinces"])
    winners, waiting = list[bytes](), list[bytes]()
    for _, _, line in order:
        province = line[33:35].decode()
        if len(winners) < rules["seats"] and left.get(province, 1) > 0:
            if province in left:
                left[province] -= 1
            winners.append(line)
        else:
            waiting.append(line)
    for name, expected in (("winners.txt", winners), ("waiting.txt", waiting)):
        if lines_of(folder / name) != expected:
            fail(f"{name} does not follow from list and seed")
    print(f"OK: {len(winners)} of {len(tickets)} are chosen, {len(waiting)} wait, {len(struck)} withdrew")
    print(f"if {sha256(frozen_bytes).hexdigest()} was public before and beacon and dice were really said: draw.md")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(Path(sys.argv[1]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        fail(f"{type(error).__name__}: {error}")
