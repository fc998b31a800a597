"""Uploads are served ahead of the table of routes, its error layers and its patterns."""

from starlette.types import ASGIApp, Receive, Scope, Send


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
