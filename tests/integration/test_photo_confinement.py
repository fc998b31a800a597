"""What a process that decodes somebody's bytes could do if these took it over: next to nothing."""

import subprocess
import sys

import pytest

from service.domain.photos import PhotoVerdict
from service.storage.inspectors import KILLED_BY_PHOTO
from service.storage.photo_inspector import DIED, LENGTH
from tests.photos import jpeg

INSPECTOR = """
import os, resource, socket, sys
from service.domain.photos import PhotoVerdict
from service.storage import photo_image, photo_inspector

def taken_over(photo, most_pixels):
    tries = {
        "file": lambda: os.open("/proc/self/environ", os.O_RDONLY),
        "socket": socket.socket,
        "photos of others": lambda: os.fstat(0),
        "answers to others": lambda: os.fstat(1),
    }
    done = []
    for name, act in tries.items():
        try:
            act()
        except OSError:
            continue
        done.append(name)
    if resource.getrlimit(resource.RLIMIT_NPROC)[0] != 0:
        done.append("process")
    return PhotoVerdict.ACCEPTED, ", ".join(done).encode()

CHANGES
photo_inspector.serve(sys.stdin.buffer, sys.stdout.buffer, 256 << 20, 5, 40_000_000)
"""
TAKEN_OVER = "photo_image.inspect = taken_over"


def answers(changes: str, *photos: bytes) -> list[bytes]:
    """Of an inspector with some lines of its program changed."""
    asked = b"".join(LENGTH.pack(len(photo)) + photo for photo in photos)
    command = [sys.executable, "-c", INSPECTOR.replace("CHANGES", changes)]
    answered = subprocess.run(command, input=asked, capture_output=True, timeout=60, check=True).stdout
    found = []
    while answered:
        (size,) = LENGTH.unpack(answered[: LENGTH.size])
        found.append(answered[LENGTH.size :][:size])
        answered = answered[LENGTH.size + size :]
    return found


def test_a_decoder_that_is_taken_over_can_open_nothing() -> None:
    """Neither the settings of the worker in /proc nor its database, and no answer but its own."""
    assert answers(TAKEN_OVER, b"1", b"2") == [bytes([PhotoVerdict.ACCEPTED])] * 2


def test_one_that_is_not_confined_can() -> None:
    """Negative control."""
    (could,) = answers(f"{TAKEN_OVER}; photo_inspector._confine = lambda *_: None", b"1")
    assert could[1:] == b"file, socket, photos of others, answers to others, process"


def test_an_answer_without_end_ends_the_inspection() -> None:
    endless = "photo_image.inspect = lambda *_: (PhotoVerdict.ACCEPTED, bytes(photo_inspector.MOST_ANSWER))"
    for answer in answers(endless, b"1", b"2"):
        assert answer[0] == DIED and answer[1:].decode() in KILLED_BY_PHOTO


@pytest.mark.parametrize("lower", ["resource.RLIMIT_CPU, (3, 3)", "resource.RLIMIT_AS, (200 << 20, 200 << 20)"])
def test_limits_that_were_lower_before_refuse_no_photo(lower: str) -> None:
    """An operator's limit below ours: to raise it would fail, and every photo would be refused as unreadable."""
    (answer,) = answers(f"resource.setrlimit({lower})", jpeg())
    assert answer[0] == PhotoVerdict.ACCEPTED
