"""Who may use the page: hosts, the token, and no pages of other sites."""

import hmac
import ipaddress
import pathlib
import socket
import urllib.parse

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tfstyle.config import WebCommand
from tfstyle.config.web import LOOPBACK

_HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' blob: data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_READING = ("GET", "HEAD")
_ASKING = (pathlib.Path(__file__).parent / "page" / "token.html").read_text("utf-8")
_STYLES = "/page.css"  # of the page that asks, too
_WRONG = "wrong"  # in the query: the token was not the right one, and is not in the address bar


class Protection:
    """Refuses requests that do not come from the page itself; ASGI middleware.

    - `Host` must be a name of this machine: a site of which the address is changed to ours, once it
      is loaded, is refused.
    - With a token, a cookie must hold it; the address with `?token=` sets the cookie, and is left
      for one without it.
    - What changes something must have the page's origin.

    Args:
        app: the page.
        config: with the host.
        token: empty if there is none.
        cookie: its name; cookies are shared by all ports of a machine.
    """

    def __init__(self, app: ASGIApp, config: WebCommand, token: str, cookie: str):
        self._app, self._token, self._cookie = app, token, cookie
        self._private = config.is_private()
        self._names = {*LOOPBACK, config.host.lower()}
        if not self._private:
            self._names |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope)
        answer = self._refusal(request.method, request.headers) or self._without_token(request)

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await (answer or self._app)(scope, receive, send_protected)

    def _refusal(self, method: str, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if not self._is_ours(host):
            return PlainTextResponse("This is not the address of this page.", 421)
        if method in _READING:
            return None
        origin = headers.get("origin")
        foreign = origin is not None and urllib.parse.urlsplit(origin).netloc != host
        if foreign or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return PlainTextResponse("This is not a request of the page.", 403)
        return None

    def _is_ours(self, host: str) -> bool:
        try:
            name = urllib.parse.urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return not self._private  # no other site can have a number for its name

    def _without_token(self, request: Request) -> Response | None:
        """What to answer a request that does not have the token yet; None if it has."""
        path, query = request.url.path, request.query_params
        if not self._token or self._equal(request.cookies.get(self._cookie)) or path == _STYLES:
            return None
        if request.method == "GET" and self._equal(query.get("token")):
            answer = RedirectResponse(path, 303)
            answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
            return answer
        if path == "/" and "token" in query:
            return RedirectResponse(f"/?{_WRONG}", 303)
        if path == "/":
            message = "That token is wrong." if _WRONG in query else ""
            return HTMLResponse(_ASKING.replace("{message}", message), 403)
        return PlainTextResponse("The token is missing: reload the page.", 403)

    def _equal(self, given: str | None) -> bool:
        return hmac.compare_digest((given or "").encode(), self._token.encode())
