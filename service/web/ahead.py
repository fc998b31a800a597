"""What is asked most is served ahead of the table of routes, its error layers and its patterns."""

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from service.web.http import Rendered, send_rendered


class RenderedAhead:
    """Sends the answer to GET `path` that is already bytes, ahead of the door too: it costs no work to hold back.

    answer: raises what the boundary refuses with.
    """

    def __init__(self, app: ASGIApp, path: str, answer: Callable[[], Rendered]) -> None:
        self.app = app
        self._path = path
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == self._path and scope["method"] == "GET":
            await send_rendered(send, self._answer())
        else:
            await self.app(scope, receive, send)


class AheadOfRoutes:
    """Hands what is below `base` to `member` and what is at it to `collection`; all else goes its usual way."""

    def __init__(self, app: ASGIApp, base: str, collection: ASGIApp, member: ASGIApp) -> None:
        """base: ends in a slash."""
        self.app = app
        self._base = base
        self._bare = base.rstrip("/") or "/"
        self._collection = collection
        self._member = member

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path == self._base or path == self._bare:
            scope["endpoint"], scope["path_params"] = self._collection, {}
        elif path.startswith(self._base) and "/" not in path[len(self._base) :]:
            scope["endpoint"], scope["path_params"] = self._member, {"upload_id": path[len(self._base) :]}
        else:
            await self.app(scope, receive, send)
            return
        await scope["endpoint"](scope, receive, send)
