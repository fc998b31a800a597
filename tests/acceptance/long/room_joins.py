"""G9 over HTTP: a burst of joins at one web process, some of them sent twice, none acknowledged and lost."""

import asyncio
import json
import time
from typing import Any

import asyncpg
import numpy as np

from loadtests.harness.processes import once, python
from tests.acceptance.long.room_goals import Figures, Finding, Run
from tests.benchmarks.stack import stack
from tests.benchmarks.wire import Connection, request

GOALS = ("G9",)
SEEDS = QUICK = 1

SECONDS, QUICK_SECONDS = 20.0, 4.0
TOGETHER = 6
AGAIN = 10
"""Every tenth is sent twice."""
MOST_MS = 100.0


async def burst(url: str, seconds: float, name: str) -> dict[str, Any]:
    took: list[float] = []
    numbers: list[int] = []
    other = 0
    end = time.monotonic() + seconds

    async def phone(which: int) -> None:
        nonlocal other
        count = 0
        async with Connection(url) as line:
            while time.monotonic() < end:
                count += 1
                headers = {"Content-Type": "application/json", "Idempotency-Key": f"{name}-{which}-{count}"}
                told = set[int]()
                for _ in range(2 if count % AGAIN == 0 else 1):
                    began = time.monotonic()
                    answer = await line.exchange(request(line.host, "POST", "/tickets", headers, b"{}"))
                    took.append(time.monotonic() - began)
                    if answer.status != 201:
                        other += 1
                        continue
                    told.add(json.loads(answer.body)["number"])
                numbers.extend(told)

    async with asyncio.TaskGroup() as group:
        for which in range(TOGETHER):
            group.create_task(phone(which))
    return {"numbers": numbers, "took": took, "other": other}


async def held(database: str) -> set[int]:
    connection = await asyncpg.connect(database)
    try:
        return {row["number"] for row in await connection.fetch("select number from ticket")}
    finally:
        await connection.close()


def measure(seed: int, run: Run) -> Figures:
    seconds = QUICK_SECONDS if run.quick else SECONDS
    with stack() as server:
        database = server.database("joins")
        settings = server.settings("joins", database, "http://127.0.0.1:9")
        once("migrate-joins", python("-m", "service", "migrate"), settings=settings, logs=server.folder, within=60)
        web = server.start("web-joins", python("-m", "service", "web", "--lifeline"), settings)
        asyncio.run(burst(web.url, 1.0, "warm"))
        warm = len(asyncio.run(held(database)))
        found = asyncio.run(burst(web.url, seconds, "burst"))
        there = asyncio.run(held(database))
    numbers = found["numbers"]
    return {
        "joins": len(numbers),
        "per_s": len(numbers) / seconds,
        "p99_ms": float(np.quantile(found["took"], 0.99)) * 1000.0,
        "other": found["other"],
        "lost": len(set(numbers) - there),
        "extra": len(there) - warm - len(set(numbers)),
    }


def judge(figures: list[Figures]) -> list[Finding]:
    (one,) = figures
    text = f"{one['joins']:,} joins over HTTP at one process, {one['per_s']:,.0f}/s beside the other proofs: "
    text += f"{one['lost']} acknowledged ones lost (0), {one['extra']} places taken by repetitions (0)"
    slow = f"p99 {one['p99_ms']:.0f} ms ({MOST_MS:.0f}), {one['other']} refused; how this compares: make bench "
    return [
        Finding("G9", one["lost"] == one["extra"] == 0, text),
        Finding("G9", one["p99_ms"] <= MOST_MS, slow + "NAME=waiting-room"),
    ]
