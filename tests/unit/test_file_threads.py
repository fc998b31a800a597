"""Jobs for threads: what they return or raise comes back, and what nobody waits for is left out."""

import asyncio
import threading

import pytest

from service.storage.file_threads import FileThreads

PATIENCE = 30.0


@pytest.fixture
def threads():
    threads = FileThreads(2, "tested")
    yield threads
    threads.close()


def test_the_result_comes_back_from_another_thread(threads):
    assert asyncio.run(threads.run(threading.current_thread)) is not threading.current_thread()


def test_the_error_of_a_job_is_that_of_its_asker(threads):
    """And the thread goes on with the next job."""

    def full():
        raise OSError(28, "no room")

    async def scene():
        for _ in range(3):
            with pytest.raises(OSError, match="no room"):
                await threads.run(full)
        return await threads.run(lambda: "done")

    assert asyncio.run(scene()) == "done"


def test_jobs_run_side_by_side(threads):
    """Two that wait for each other, in two threads."""
    both = threading.Barrier(2)

    async def scene():
        wait = lambda: both.wait(PATIENCE)  # noqa: E731
        return sorted(await asyncio.gather(threads.run(wait), threads.run(wait)))

    assert asyncio.run(scene()) == [0, 1]


def test_a_job_that_nobody_waits_for_is_left_out(threads):
    """While one that has begun is done to its end."""
    gate, did = threading.Event(), []

    def begun(name):
        gate.wait(PATIENCE)
        did.append(name)

    async def scene():
        first = [asyncio.create_task(threads.run(lambda name=name: begun(name))) for name in ("a", "b")]
        third = asyncio.create_task(threads.run(lambda: did.append("left out")))
        await asyncio.sleep(0)  # all three are in line, in this order
        third.cancel()
        await asyncio.wait([third])
        gate.set()
        await asyncio.gather(*first)

    asyncio.run(scene())
    threads.close()
    assert sorted(did) == ["a", "b"]


def test_a_loop_that_has_ended_ends_no_thread(threads):
    gate, left = threading.Event(), []

    async def leave():
        left.append(asyncio.create_task(threads.run(lambda: gate.wait(PATIENCE))))
        await asyncio.sleep(0)

    asyncio.run(leave())
    gate.set()
    assert asyncio.run(threads.run(lambda: "goes on")) == "goes on"


def test_closing_waits_for_what_was_asked():
    """Twice is no error, and neither is it without a job."""
    threads, did, left = FileThreads(1, "tested"), [], []

    async def ask():
        left.append(asyncio.create_task(threads.run(lambda: did.append("done"))))
        await asyncio.sleep(0)
        threads.close()

    asyncio.run(ask())
    assert did == ["done"]
    FileThreads(1, "idle").close()
