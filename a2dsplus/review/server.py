"""The page's server: a Starlette application over a `Desk`. Files of the page come from a fixed list, never from a request's path.

GET  /  /ui/<file>                     the page
GET  /api/session                      progress, reviewers, words
GET  /api/queue?<filters>&offset&limit one page of the list
GET  /api/ahead?<filters>&after&count  the next pairs, whole
GET  /api/bulk?<filters>&count         undecided pairs with the least doubt, as captions
GET  /api/pair?query&contrast          one pair, whole
GET  /api/instead?query&contrast       the pair that comes in where one is rejected
GET  /api/agreement                    agreement and disagreements
POST /api/decisions                    log {"decisions": [...]}: answered once they are on disk
GET  /clips/<video>                    a source clip (Range requests are served)
GET  /strip/<video>                    its annotated frames side by side, as a JPEG
GET  /preview/<S|T>?query&contrast     the composed sample, encoded on demand
Each /api address takes ?reviewer=NAME and ?dataset=FINGERPRINT; another dataset's is answered with 409, other-dataset.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from a2dsplus.errors import A2dsplusError, ClipError, InputError
from a2dsplus.records import SubsetName
from a2dsplus.resources import path as resource
from a2dsplus.review.access import LARGEST_BODY, Access, problem
from a2dsplus.review.decisions import DecisionError, PairKey, Sent, from_json, reviewer_name
from a2dsplus.review.desk import Desk
from a2dsplus.review.filters import Filters, QuestionError

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.IGNORECASE | re.ASCII)
_MOST_DECISIONS = 50
# what waits, for a disk or an encoder, has threads of its own: a request that reads finds one free
_WRITERS, _ENCODERS = 4, 2
_FOR_GOOD = {"cache-control": "private, max-age=31536000, immutable"}


class OtherDatasetError(InputError):
    """A request names another dataset than the server's."""


def application(
    desk: Desk, *, reviewer: str | None = None, token: str | None = None, hosts: Iterable[str] = ()
) -> Starlette:
    """Return the ASGI application. `reviewer`: who decides on a page that names nobody; None: each page must say."""
    files = {file.name: file for file in sorted(resource("review_ui").iterdir()) if file.suffix in _TYPES}
    # made where the loop runs
    limits: dict[str, anyio.CapacityLimiter] = {}

    def limiter(name: str, threads: int) -> anyio.CapacityLimiter:
        return limits.setdefault(name, anyio.CapacityLimiter(threads))

    def who(request: Request) -> str:
        given = request.query_params.get("dataset")
        if given and given != desk.dataset:
            raise OtherDatasetError(
                f"the page is of another dataset than {desk.workspace.root}, which this server has now; reload the page"
            )
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
            return JSONResponse({"reviewer": None, "reviewers": desk.ledger.reviewers(), "dataset": desk.dataset})
        return JSONResponse(desk.session(who(request)))

    def queue(request: Request) -> Response:
        values = request.query_params
        offset, limit = _number(values.get("offset"), 0, 10**9), _number(values.get("limit"), 50, 200)
        return JSONResponse(desk.listing(who(request), Filters.of(values), offset=offset, limit=limit))

    def ahead(request: Request) -> Response:
        values = request.query_params
        after = (values["after"], values.get("after_contrast", "")) if values.get("after") else None
        count = _number(values.get("count"), 3, 20)
        return JSONResponse(desk.ahead(who(request), Filters.of(values), after=after, count=count))

    def bulk(request: Request) -> Response:
        count = _number(request.query_params.get("count"), 20, 50)
        return JSONResponse(desk.bulk(who(request), Filters.of(request.query_params), count=count))

    def pair(request: Request) -> Response:
        return JSONResponse(desk.pair(who(request), _pair(request)))

    def instead(request: Request) -> Response:
        return JSONResponse(desk.instead(who(request), _pair(request)))

    def agreement(request: Request) -> Response:
        return JSONResponse(desk.agreement(who(request)))

    async def decide(request: Request) -> Response:
        body = await request.body()
        if len(body) > LARGEST_BODY:
            return problem(413, f"body: {len(body)} bytes, at most {LARGEST_BODY} are read")
        name = who(request)
        if not request.query_params.get("dataset"):
            raise DecisionError("dataset: expected the fingerprint of the dataset that the decisions are about")
        sent = [_sent(item, reviewer=name, dataset=desk.dataset) for item in _decisions(body)]
        return JSONResponse(await anyio.to_thread.run_sync(desk.decide, name, sent, limiter=limiter("write", _WRITERS)))

    def clip(request: Request) -> Response:
        path = desk.media.playable(request.path_params["video"])
        return _ranged(request, path) or FileResponse(path, media_type=desk.media.media_type(path), headers=_FOR_GOOD)

    async def strip(request: Request) -> Response:
        draw = partial(desk.media.strip, request.path_params["video"])
        path = await anyio.to_thread.run_sync(draw, limiter=limiter("encode", _ENCODERS))
        return FileResponse(path, media_type="image/jpeg", headers=_FOR_GOOD)

    async def preview(request: Request) -> Response:
        subset = request.path_params["subset"]
        if subset not in (SubsetName.S, SubsetName.T):
            raise QuestionError(f"preview {subset!r}: expected S or T")
        made = partial(desk.preview, SubsetName(subset), _pair(request))
        path = await anyio.to_thread.run_sync(made, limiter=limiter("encode", _ENCODERS))
        return FileResponse(path, media_type="video/mp4", headers={"cache-control": "private, no-cache"})

    return Starlette(
        routes=[
            Route("/", page),
            Route("/ui/{name}", asset),
            Route("/api/session", session),
            Route("/api/queue", queue),
            Route("/api/ahead", ahead),
            Route("/api/bulk", bulk),
            Route("/api/pair", pair),
            Route("/api/instead", instead),
            Route("/api/agreement", agreement),
            Route("/api/decisions", decide, methods=["POST"]),
            Route("/clips/{video}", clip),
            Route("/strip/{video}", strip),
            Route("/preview/{subset}", preview),
        ],
        middleware=[Middleware(Access, hosts=list(hosts), token=token)],
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


def _decisions(body: bytes) -> list[object]:
    """Return the decisions of a request's body, each still to be looked at; raises DecisionError where it holds none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DecisionError("body: not JSON, or nested too deep") from error
    found = value.get("decisions") if isinstance(value, Mapping) else None
    if not isinstance(found, list) or not 1 <= len(found) <= _MOST_DECISIONS:
        raise DecisionError(f'body: expected {{"decisions": [...]}} with 1 to {_MOST_DECISIONS} of them')
    return found


def _sent(value: object, *, reviewer: str, dataset: str) -> Sent | DecisionError:
    """Return a decision, or what is wrong with it: one that cannot be read does not hold up the others."""
    try:
        return from_json(value, reviewer=reviewer, dataset=dataset)
    except DecisionError as error:
        name = value.get("id") if isinstance(value, Mapping) else None
        error.decision_id = name if isinstance(name, str) else None
        return error


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
    if isinstance(error, OtherDatasetError):
        return problem(409, str(error), code="other-dataset")
    if isinstance(error, DecisionError):
        return problem(422, str(error), code="not-accepted")
    # the log cannot be written or a table cannot be read: whoever runs the server must hear of it, too
    _say(request, str(error))
    return problem(503 if isinstance(error, InputError) else 500, str(error))


def _server_problem(request: Request, error: Exception) -> Response:
    _say(request, repr(error))
    return problem(500, f"the server failed at this request ({type(error).__name__}); its terminal says more")


def _say(request: Request, words: str) -> None:
    print(f"{request.method} {request.url.path}: {words}", file=sys.stderr, flush=True)  # noqa: T201 - the server's own log
