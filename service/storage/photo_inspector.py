"""The process that inspects photos: `python -m service.storage.photo_inspector MEMORY CPU PIXELS`.

It reads photos from its standard input and forks for each one. The child decodes under limits and may die of it; the
next photo meets a fresh process that has seen no other person's. Neither can write a file, and neither was given a
secret: settings, keys and database stay with the worker. The child can open nothing at all, neither file nor socket,
starts no process, and has nothing open but the way to tell its own answer.

Frames: 8 bytes of length, then so many bytes. Asked: the photo. Answered: one byte of verdict, then the clean copy; or
`DIED` and how (the name of a signal), when the child did not get to an answer. Ends with its standard input.
"""

import gc
import os
import resource
import signal
import struct
import sys
from collections.abc import Sequence
from typing import IO

from service.storage import photo_image

LENGTH = struct.Struct(">Q")
DIED = 0xFF
NICENESS = 10
"""Codes, answers and the database go first: nobody waits for an inspection."""
NO_LIMIT = 0
MOST_ANSWER = 32 << 20
"""Bytes; the largest clean copy has 27 million before it is compressed. More is not of our making."""


def read_frame(stream: IO[bytes]) -> bytes | None:
    """The next frame. None: the other side is gone, also in the middle of a frame."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (size,) = LENGTH.unpack(head)
    body = stream.read(size)
    return body if len(body) == size else None


def write_frame(stream: IO[bytes], body: bytes) -> None:
    stream.write(LENGTH.pack(len(body)) + body)
    stream.flush()


def serve(photos: IO[bytes], answers: IO[bytes], memory: int, cpu: int, most_pixels: int) -> None:
    """Answer each photo until there is none any more."""
    photo_image.preload()  # or each child would have to, and could not
    gc.freeze()  # children share these pages
    while (photo := read_frame(photos)) is not None:
        write_frame(answers, _inspected_apart(photo, memory, cpu, most_pixels))


def _inspected_apart(photo: bytes, memory: int, cpu: int, most_pixels: int) -> bytes:
    """The answer of a child of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            _confine(memory, cpu)
            verdict, clean = photo_image.inspect(photo, most_pixels)
            with open(writing, "wb") as pipe:  # noqa: PTH123 - a descriptor
                pipe.write(bytes([verdict]) + clean)
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123 - a descriptor
        answer = pipe.read(MOST_ANSWER + 1)
        if len(answer) > MOST_ANSWER:
            os.kill(child, signal.SIGABRT)
    _, status = os.waitpid(child, 0)
    if status == 0 and 0 < len(answer) <= MOST_ANSWER:
        return answer
    died_of = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "exit"
    return bytes([DIED]) + died_of.encode()


def _confine(memory: int, cpu: int) -> None:
    """Leave this process nothing but memory, time, and what it has open beside the photos and answers of others."""
    os.closerange(0, 2)
    if memory != NO_LIMIT:
        _lower(resource.RLIMIT_AS, memory, memory)
    if cpu != NO_LIMIT:  # SIGXCPU tells it from a kill by anybody else; at the hard limit it would be SIGKILL
        _lower(resource.RLIMIT_CPU, cpu, cpu + 1)
    _lower(resource.RLIMIT_NPROC, 0, 0)
    _lower(resource.RLIMIT_NOFILE, 0, 0)


def _lower(kind: int, soft: int, hard: int) -> None:
    """A limit that whoever started us holds lower than that stays: to raise it would fail, and refuse every photo."""
    _, allowed = resource.getrlimit(kind)
    if allowed != resource.RLIM_INFINITY:
        soft, hard = min(soft, allowed), min(hard, allowed)
    resource.setrlimit(kind, (soft, hard))


def main(arguments: Sequence[str]) -> None:
    memory, cpu, most_pixels = map(int, arguments)
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold somebody's card
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    serve(sys.stdin.buffer, sys.stdout.buffer, memory, cpu, most_pixels)


if __name__ == "__main__":
    main(sys.argv[1:])
