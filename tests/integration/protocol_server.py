"""The server's own protocol on a real socket, with any ASGI function behind it, and bytes sent to it."""

import asyncio
import socket
from contextlib import asynccontextmanager

import uvicorn

from service.web.reads import StraightReads

PATIENCE = 30.0


@asynccontextmanager
async def server(app):
    """Its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=StraightReads, lifespan="off", log_config=None, server_header=False)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


def exchange(run, app, sent, *, until):
    """All that comes back for these bytes, until it ends in `until` or the server closes.

    sent: sent together, or piece by piece, each after a round of the loop.
    """

    async def scene():
        async with asyncio.timeout(PATIENCE), server(app) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            sending = asyncio.create_task(_send(writer, [sent] if isinstance(sent, bytes) else sent))
            came = b""
            while not came.endswith(until) and (data := await reader.read(1000)):
                came += data
            await sending
            writer.close()
            await writer.wait_closed()
            return came

    return run(scene())


async def _send(writer, pieces):
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
