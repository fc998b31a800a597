"""tuspyserver as its README starts it, on uvicorn as we run ours: `python tuspyserver_app.py FOLDER`.

Runs in the environment of the rivals. Ends when standard input closes. Its limits are not set unless the environment
names them: MOST_BYTES, LIFETIME_MS.
"""

import json
import os
import sys
import threading
from typing import Any

import uvicorn
from fastapi import FastAPI
from tuspyserver import create_tus_router


class Server(uvicorn.Server):
    """Says when it is ready, on standard output."""

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(json.dumps({"ready": True, "role": "tuspyserver", "host": "127.0.0.1", "port": port}), flush=True)


def main() -> None:
    app = FastAPI()
    limits: dict[str, Any] = {}
    if "MOST_BYTES" in os.environ:
        limits["max_size"] = int(os.environ["MOST_BYTES"])
    if "LIFETIME_MS" in os.environ:
        limits["days_to_keep"] = int(os.environ["LIFETIME_MS"]) // 86_400_000  # it knows whole days, and none at all
    app.include_router(create_tus_router(prefix="files", files_dir=sys.argv[1], **limits))
    config = uvicorn.Config(
        app, port=0, loop="uvloop", http="httptools", access_log=False, server_header=False, log_level="warning"
    )
    server = Server(config)

    def end_with_input() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            pass
        server.should_exit = True

    threading.Thread(target=end_with_input, daemon=True).start()
    server.run()


if __name__ == "__main__":
    main()
