"""What stands between the network and the server: Host, Origin, the token, sizes; and the one shape of every error.

{"error": {"status": 404, "code": "not-found", "message": "one line: what is wrong and what to do"}}
"""

import hmac
import ipaddress
import socket
from collections.abc import Iterable
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "a2dsplus-review"
"""Begins the cookie's name; the port follows, since cookies of two ports of a host are otherwise one."""
LARGEST_BODY = 64 * 1024
_SAFE = ("GET", "HEAD")
# nothing from elsewhere, no inline code: a caption that slipped through as markup could still not run
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_NO_ENTRY = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Review: no entry</title></head>
<body><main><h1>Not open</h1><p>{words}</p>
<p>Open the whole address that <code>a2dsplus review</code> printed in its terminal, with what stands behind <code>?token=</code>.
Started again, the server has a new token unless it was given one.</p></main></body></html>
"""
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def problem(status: int, message: str, *, code: str | None = None) -> JSONResponse:
    """Return an error as every address gives it."""
    name = code or HTTPStatus(status).phrase.lower().replace(" ", "-")
    return JSONResponse({"error": {"status": status, "code": name, "message": message}}, status_code=status)


def is_loopback(host: str) -> bool:
    """Return whether an address to listen on can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Access:
    """Middleware that answers bad requests itself. `hosts`: names under which the server may be called, besides loopback's.

    `token`: where set, every request needs it: as the cookie that `/?token=...` sets, or as `Authorization: Bearer ...`. A server
    with a token is also called by this machine's addresses and names; one without is called by loopback names alone.
    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str] = (), token: str | None = None) -> None:
        self.app, self.token = app, token
        self._hosts = {"localhost", "127.0.0.1", "::1", *(host.lower() for host in hosts)}
        if token is not None:
            self._hosts |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        answer = self._answer(scope)
        await (answer or self.app)(scope, receive, send_safely)

    def _answer(self, scope: Scope) -> Response | None:
        """Return what a request gets instead of the server's own answer, None where it may pass."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._known(host):
            return problem(
                403, f"Host {host[:80]!r} is not a name of this server; call it by its address or give --allow-host"
            )
        if scope["method"] not in _SAFE:
            origin = headers.get("origin", "")
            if origin not in (f"http://{host}", f"https://{host}"):
                return problem(403, f"Origin {origin[:80]!r} may not write here; decide on this server's own page")
            if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
                return problem(415, "content-type: expected application/json")
            length = headers.get("content-length", "")
            if not length.isdigit():
                return problem(411, "content-length: expected the body's size")
            if int(length) > LARGEST_BODY:
                return problem(413, f"body: {length} bytes, at most {LARGEST_BODY} are read")
        return self._ask_for_token(scope, headers) if self.token is not None else None

    def _known(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self._hosts:
            return True
        # a page elsewhere cannot take over a bare address as it can a name
        return self.token is not None and _is_address(name)

    def _ask_for_token(self, scope: Scope, headers: Headers) -> Response | None:
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        cookie = f"{COOKIE}-{_port(headers.get('host', ''))}"
        if scope["path"] == "/" and self._right(given):
            # the token leaves the address bar at once
            response = RedirectResponse("/", status_code=303)
            # lax: a link to the page, clicked in a mail, brings the cookie along; a write needs this server's Origin besides
            response.set_cookie(cookie, given, httponly=True, samesite="lax", max_age=30 * 86400)
            return response
        cookies: SimpleCookie = SimpleCookie()
        try:
            cookies.load(headers.get("cookie", ""))
        except CookieError:
            cookies.clear()
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if self._right(cookies[cookie].value if cookie in cookies else "") or self._right(bearer):
            return None
        if scope["path"] == "/":
            words = "The token in this address is not this server’s." if given else "This page needs a token."
            return HTMLResponse(_NO_ENTRY.format(words=words), status_code=401)
        return problem(401, "a token is needed; open the whole address that `a2dsplus review` printed")

    def _right(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self.token or "").encode())


def _port(host: str) -> int:
    """Return the port of a Host header, 80 where it names none."""
    try:
        return urlsplit(f"//{host}").port or 80
    except ValueError:
        return 80


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
