"""`python -m tests.benchmarks.echo`: the plainest server, for measuring what stands before it.

A connection whose first byte is `e` gets every later byte back; after `s` all bytes are swallowed and, at their end,
one byte says that they have come. It ends when standard input closes.
"""

import json
import socket
import sys
import threading


def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    host, port = listener.getsockname()
    print(json.dumps({"ready": True, "role": "echo", "host": host, "port": port}), flush=True)
    threading.Thread(target=_accept, args=(listener,), daemon=True).start()
    sys.stdin.buffer.read()


def _accept(listener: socket.socket) -> None:
    while True:
        one, _ = listener.accept()
        threading.Thread(target=_serve, args=(one,), daemon=True).start()


def _serve(one: socket.socket) -> None:
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    room = bytearray(2**18)
    with one:
        echoes = one.recv(1) == b"e"
        while size := one.recv_into(room):
            if echoes:
                one.sendall(memoryview(room)[:size])
        if not echoes:
            one.sendall(b".")


if __name__ == "__main__":
    main()
