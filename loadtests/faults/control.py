"""What can be asked of a running proxy: JSON over HTTP. docs/faults.md describes it for those who call it."""

import asyncio
import dataclasses
from http import HTTPStatus
from typing import Any

from loadtests.faults import requests
from loadtests.faults.proxy import AlreadyThere, NotThere, Proxy
from scenarios.json_bodies import BodyFault, Refused, json_object

TOXICS = "/toxics"
STATE = "/state"


class Control:
    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._turn = asyncio.Lock()
        """One request at a time: who adds sees its effect before another takes it away."""

    async def answer(self, method: str, path: str, body: bytes) -> tuple[int, object]:
        """Status and JSON value for a request."""
        try:
            async with self._turn:
                return await self._routed(method, path, body)
        except Refused as refused:
            return refused.status, {
                "error": refused.error,
                "errors": [dataclasses.asdict(fault) for fault in refused.faults],
            }
        except AlreadyThere as there:
            fault = BodyFault("kind", "taken", f"{there} holds already: change it with PATCH {TOXICS}/{there}")
            return HTTPStatus.CONFLICT, {"error": "already-there", "errors": [dataclasses.asdict(fault)]}
        except NotThere as missing:
            fault = BodyFault("", "missing", f"{missing} does not hold; GET {TOXICS} lists what does")
            return HTTPStatus.NOT_FOUND, {"error": "not-found", "errors": [dataclasses.asdict(fault)]}

    async def _routed(self, method: str, path: str, body: bytes) -> tuple[int, object]:
        if path in (TOXICS, STATE):
            return await self._of_all(method, path, body)
        if path.startswith(TOXICS + "/"):
            return self._of_one(method, path.removeprefix(TOXICS + "/"), body)
        raise _refused(HTTPStatus.NOT_FOUND, "not-found", f"there is {TOXICS}, {TOXICS}/ID and {STATE}")

    async def _of_all(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if (method, path) == ("GET", STATE):
            return HTTPStatus.OK, self._proxy.state()
        if path == STATE:
            raise _method("GET")
        if method == "GET":
            return HTTPStatus.OK, {"toxics": self._proxy.toxics()}
        if method == "POST":
            return HTTPStatus.CREATED, await self._proxy.add(requests.toxic(json_object(body)))
        if method == "DELETE":
            return HTTPStatus.OK, {"toxics": self._removed(None)}
        raise _method("GET, POST, DELETE")

    def _of_one(self, method: str, name: str, body: bytes) -> tuple[int, Any]:
        if method == "PATCH":
            toxic = self._proxy.one(name)
            return HTTPStatus.OK, self._proxy.change(requests.changed(toxic, json_object(body)))
        if method == "DELETE":
            return HTTPStatus.OK, self._removed(name)
        raise _method("PATCH, DELETE")

    def _removed(self, name: str | None) -> Any:
        """The toxic of this name, or with None all of them, taken away. Raises Refused when the port is lost."""
        try:
            return self._proxy.remove_all() if name is None else self._proxy.remove(name)
        except OSError as error:
            words = f"cannot listen on {self._proxy.listen} again ({error.strerror}): stop who took it, then try again"
            raise _refused(HTTPStatus.CONFLICT, "cannot-listen", words) from None


def _refused(status: HTTPStatus, error: str, words: str) -> Refused:
    return Refused(status, error, [BodyFault("", error, words)])


def _method(known: str) -> Refused:
    return _refused(HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", f"known here: {known}")
