"""The page's server: a Starlette application over a `Desk`. Files of the page come from a fixed list, never from a request's path.

GET  /  /ui/<file>                     the page
GET  /api/session                      progress, reviewers, words
GET  /api/queue?<filters>&offset&limit one page of the list
GET  /api/ahead?<filters>&after&count  the next pairs, whole
GET  /api/pair?query&contrast          one pair, whole
GET  /api/agreement                    agreement and disagreements
POST /api/decisions                    log a decision: answered once it is on disk
GET  /clips/<video>                    a source clip (Range requests are served)
GET  /preview/<S|T>?query&contrast     the composed sample, encoded on demand
Each /api address takes ?reviewer=NAME.
"""

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from a2dsplus.errors import A2dsplusError, ClipError, InputError
from a2dsplus.records import SubsetName
from a2dsplus.resources import path as resource
from a2dsplus.review.decisions import DecisionError, PairKey, from_json, reviewer_name
from a2dsplus.review.desk import Desk, Filters, QuestionError
from a2dsplus.review.guard import LARGEST_BODY, Guard, problem

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE | re.ASCII)
_FOR_GOOD = {"cache-control": "private, max-age=31536000, immutable"}


def application(
    desk: Desk, *, reviewer: str | None = None, token: str | None = None, hosts: Iterable[str] = ()
) -> Starlette:
    """Return the ASGI application. `reviewer`: who decides on a page that names nobody; None: each page must say."""
    files = {file.name: file for file in sorted(resource("review_ui").iterdir()) if file.suffix in _TYPES}

    def who(request: Request) -> str:
        return reviewer_name(request.query_params.get("reviewer") or reviewer)

    def page(request: Request) -> Response:
        return _file(files["index.html"])

    def asset(request: Request) -> Response:
        found = files.get(request.path_params["name"])
        if found is None:
            raise QuestionError(f"{request.url.path}: no such file of the page")
        return _file(found)

    def session(request: Request) -> Response:
        named = request.query_params.get("reviewer") or reviewer
        if not named:
            return JSONResponse({"reviewer": None, "reviewers": desk.ledger.reviewers()})
        return JSONResponse(desk.session(reviewer_name(named)))

    def queue(request: Request) -> Response:
        values = request.query_params
        offset, limit = _number(values.get("offset"), 0, 10**9), _number(values.get("limit"), 50, 200)
        return JSONResponse(desk.listing(who(request), Filters.of(values), offset=offset, limit=limit))

    def ahead(request: Request) -> Response:
        values = request.query_params
        after = (values["after"], values.get("after_contrast", "")) if values.get("after") else None
        count = _number(values.get("count"), 3, 20)
        return JSONResponse(desk.ahead(who(request), Filters.of(values), after=after, count=count))

    def pair(request: Request) -> Response:
        return JSONResponse(desk.pair(who(request), _pair(request)))

    def agreement(request: Request) -> Response:
        return JSONResponse(desk.agreement(who(request)))

    async def decide(request: Request) -> Response:
        body = await request.body()
        if len(body) > LARGEST_BODY:
            return problem(413, f"body: {len(body)} bytes, at most {LARGEST_BODY} are read")
        try:
            value = json.loads(body)
        except ValueError as error:
            raise DecisionError("body: not JSON") from error
        decision = from_json(value, reviewer=who(request))
        return JSONResponse(await run_in_threadpool(desk.decide, decision))

    def clip(request: Request) -> Response:
        path = desk.media.playable(request.path_params["video"])
        return _ranged(request, path) or FileResponse(path, media_type=desk.media.media_type(path), headers=_FOR_GOOD)

    def preview(request: Request) -> Response:
        subset = request.path_params["subset"]
        if subset not in (SubsetName.S, SubsetName.T):
            raise QuestionError(f"preview {subset!r}: expected S or T")
        pair = _pair(request)
        desk.pair(who(request), pair)
        path = desk.media.preview(SubsetName(subset), desk.caption(pair[0]), desk.caption(pair[1]))
        return FileResponse(path, media_type="video/mp4", headers={"cache-control": "private, no-cache"})

    return Starlette(
        routes=[
            Route("/", page),
            Route("/ui/{name}", asset),
            Route("/api/session", session),
            Route("/api/queue", queue),
            Route("/api/ahead", ahead),
            Route("/api/pair", pair),
            Route("/api/agreement", agreement),
            Route("/api/decisions", decide, methods=["POST"]),
            Route("/clips/{video}", clip),
            Route("/preview/{subset}", preview),
        ],
        middleware=[Middleware(Guard, hosts=list(hosts), token=token)],
        exception_handlers={
            HTTPException: _http_problem,
            A2dsplusError: _input_problem,
            Exception: _server_problem,
        },
    )


def _file(path: Path) -> Response:
    return FileResponse(path, media_type=_TYPES[path.suffix], headers={"cache-control": "no-cache"})


def _ranged(request: Request, path: Path) -> Response | None:
    """Return the answer to a Range header that cannot be served, in the one shape of errors; None where it can."""
    wanted = request.headers.get("range")
    if wanted is None:
        return None
    found = _RANGE.fullmatch(wanted.strip())
    if found is None or not any(found.groups()):
        return problem(400, f"range {wanted[:80]!r}: expected one such as bytes=0-1023")
    start, end = (int(text) if text else None for text in found.groups())
    size = path.stat().st_size
    if (start is not None and (start >= size or (end is not None and end < start))) or (start is None and end == 0):
        response = problem(416, f"range {wanted[:80]!r}: the file has {size} bytes")
        response.headers["content-range"] = f"bytes */{size}"
        return response
    return None


def _pair(request: Request) -> PairKey:
    return request.query_params.get("query", ""), request.query_params.get("contrast", "")


def _number(text: str | None, default: int, most: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise QuestionError(f"{text[:20]!r}: expected a whole number from 0 to {most}")
    return min(int(text), most)


def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = {404: f"{request.url.path[:200]}: no such address", 405: f"{request.method}: not possible here"}
    response = problem(error.status_code, words.get(error.status_code, str(error.detail)))
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


def _input_problem(request: Request, error: Exception) -> Response:
    # the class decides: what was asked for is not there, what was sent is wrong, or the data here is at fault
    if isinstance(error, QuestionError | ClipError):
        missing = isinstance(error, ClipError) or "not in this" in str(error) or "no such" in str(error)
        return problem(404 if missing else 400, str(error))
    if isinstance(error, DecisionError):
        return problem(422, str(error), code="not-accepted")
    return problem(503 if isinstance(error, InputError) else 500, str(error))


def _server_problem(request: Request, error: Exception) -> Response:
    print(f"{request.method} {request.url.path}: {error!r}", file=sys.stderr)  # noqa: T201 - the server's own log
    return problem(500, "the server failed at this request; its terminal says why")
