"""`a2dsplus review`: serve the review page, or export what has been reviewed."""

import contextlib
import ctypes
import getpass
import html
import os
import secrets
import socket
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from a2dsplus.dataset.workspace import DEFAULT, Workspace
from a2dsplus.errors import InputError, UsageError

if TYPE_CHECKING:
    from a2dsplus.review.desk import Desk
    from a2dsplus.review.queue import Rules
    from a2dsplus.review.store import Store

_PORT = 8710


@click.command("review", short_help="Check the sampled pairs on a local page.")
@click.option(
    "--dataset", type=click.Path(path_type=Path), default=DEFAULT, show_default=True, help="Folder made by build."
)
@click.option("--port", type=click.IntRange(0, 65535), help=f"Port to listen on.  [default: {_PORT}, or a free one]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--token",
    envvar="A2DSPLUS_REVIEW_TOKEN",
    show_envvar=True,
    help="Token that a page must know.  [default: one of the dataset's own]",
)
@click.option("--allow-host", multiple=True, metavar="NAME", help="Further name under which the server is called.")
@click.option(
    "--reviewer", metavar="NAME", help="Who reviews; others choose a name on the page.  [default: your login]"
)
@click.option("--open/--no-open", "open_page", default=True, help="Open the page in the browser.  [default: open]")
@click.option(
    "--double",
    type=click.FloatRange(0, 1),
    help="Share of pairs that two reviewers judge; kept with the log.  [default: as kept, else 0]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31),
    help="Seed of the reviewers' orders and of the double share; kept with the log.  [default: as kept, else 0]",
)
@click.option(
    "--order",
    type=click.Choice(["doubt", "random"]),
    default="doubt",
    show_default=True,
    help="Which pairs come first.",
)
@click.option(
    "--known",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Pairs file whose accepted and rejected pairs every reviewer is asked for, to see how often they are right.",
)
@click.option(
    "--database",
    metavar="URL",
    envvar="A2DSPLUS_DATABASE",
    help="SQLAlchemy URL of the log.  [default: DATASET/reviews.sqlite]",
)
@click.option(
    "--export",
    "export_to",
    type=click.Path(path_type=Path),
    help="Write the reviewed pairs and exit: ids alone, or, as FILE.csv, captions and all that was said.",
)
@click.option(
    "--judged",
    default="",
    metavar="TEXT",
    help="With --export: what the file is to say, besides, of how its pairs were judged.",
)
def command(
    dataset: Path,
    port: int | None,
    host: str,
    token: str | None,
    allow_host: tuple[str, ...],
    reviewer: str | None,
    open_page: bool,
    double: float | None,
    seed: int | None,
    order: str,
    known: Path | None,
    database: str | None,
    export_to: Path | None,
    judged: str,
) -> None:
    """Check the sampled pairs on a local page, one key a verdict, the doubtful first.

    A verdict that the page calls saved is on disk, in DATASET/reviews.sqlite; run it again to go on where you stopped.
    `a2dsplus build` run again keeps accepted pairs and replaces rejected ones. With --export FILE no page is served: the
    reviewed pairs are written for `a2dsplus build --pairs FILE`, or, where FILE ends in .csv, as a table of every vote.
    """
    _give_memory_back()
    from a2dsplus.review.agreement import watched
    from a2dsplus.review.catalogue import fingerprint
    from a2dsplus.review.decisions import reviewer_name
    from a2dsplus.review.desk import Desk
    from a2dsplus.review.export import export, export_table
    from a2dsplus.review.store import Store, default_url

    workspace = Workspace.open(dataset)
    # asked for before anything is opened: a wrong call leaves no trace
    name = reviewer_name(reviewer) if reviewer else _login()
    if token is not None and len(token) < 16:
        raise UsageError("--token: at least 16 characters, or leave it out and one is made")
    answers = _answers(known) if known else {}
    # a dataset's own log is about it alone; of a shared database, only what is about this dataset counts
    store = Store(database or default_url(dataset), dataset=fingerprint(workspace) if database else "")
    rules = _rules(store, seed=seed, double=double, order=order, known=answers)
    desk = Desk(workspace, store, rules=rules)
    if export_to is not None:
        if export_to.suffix.lower() == ".csv":
            pairs, said = export_table(desk, export_to)
            click.echo(f"{export_to}: {pairs} pairs, {said} votes; with captions, so for the team alone")
        else:
            in_use, accepted = export(desk, export_to, judged=judged)
            click.echo(f"{export_to}: {in_use} pairs, {accepted} of them accepted")
        told = watched(desk.ledger)
        if told:
            click.echo(told)
        return
    with contextlib.closing(_listen(host, port)) as listener:
        _serve(
            desk,
            listener,
            host=host,
            token=token or _own_token(workspace),
            hosts=(host, *allow_host),
            reviewer=name,
            open_page=open_page,
        )


def _give_memory_back() -> None:
    """Have what reading the tables took go back to the system: no heap a thread, large blocks on their own."""
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    # glibc: M_ARENA_MAX, M_MMAP_THRESHOLD (malloc.h); other C libraries have no such call
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(-8, 1)
        library.mallopt(-3, 64 * 1024)


def _rules(
    store: "Store", *, seed: int | None, double: float | None, order: str, known: "dict[tuple[str, str], bool]"
) -> "Rules":
    """Return the rules of this review: as given, else as kept with the log, so that all servers of a team have the same."""
    from a2dsplus.review.queue import Rules

    kept = store.rules()
    before = kept or (0, 0.0)
    now = (before[0] if seed is None else seed, before[1] if double is None else double)
    if kept is not None and now != kept:
        click.echo(
            f"--seed {now[0]} --double {now[1]:g} from now on (was --seed {kept[0]} --double {kept[1]:g}); restart other servers of it",
            err=True,
        )
    if now != kept and (seed is not None or double is not None):
        store.set_rules(seed=now[0], double=now[1])
    return Rules(seed=now[0], double=now[1], by_doubt=order == "doubt", known=known)


def _answers(path: Path) -> dict[tuple[str, str], bool]:
    """Return the known answers of a pairs file: {(query id, contrast query id): accepted}."""
    from a2dsplus.contrast.pairs_file import read_pairs_file

    rows = read_pairs_file(path)
    found = {(r.query_id, r.contrast_query_id): r.status == "accepted" for r in rows if r.status != "unreviewed"}
    if not found:
        raise InputError(f"{path}: no pair in it is accepted or rejected; give a file with known answers")
    return found


def _own_token(workspace: Workspace) -> str:
    """Return the dataset's token, made at the first start: a page that is open over a restart goes on. Its user alone can read it."""
    path = workspace.path(".a2dsplus", "review-token")
    with contextlib.suppress(OSError):
        found = path.read_text().strip()
        if len(found) >= 16 and path.stat().st_mode & 0o077 == 0:
            return found
    token = secrets.token_urlsafe(24)
    _write_private(path, f"{token}\n")
    return token


def _write_private(path: Path, text: str) -> bool:
    """Write a file that its user alone can read; return whether it could be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    except OSError:
        return False
    return True


def _serve(
    desk: "Desk",
    listener: socket.socket,
    *,
    host: str,
    token: str,
    hosts: tuple[str, ...],
    reviewer: str,
    open_page: bool,
) -> None:
    import uvicorn

    from a2dsplus.review.access import is_loopback
    from a2dsplus.review.server import application

    shown = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}/?token={token}"
    if not is_loopback(host):
        click.echo(
            f"warning: {host} can be reached from other machines; whoever has the address below, token included, can review,"
            " and what is sent is not encrypted",
            err=True,
        )
    progress = desk.progress(reviewer)
    click.echo(f"{progress['done']} of {progress['total']} pairs reviewed; verdicts go to {desk.store.name}", err=True)
    elsewhere = desk.store.of_others()
    if elsewhere:
        click.echo(f"{elsewhere} decisions there are about other datasets and do not count here", err=True)
    if not desk.catalogue.has_doubt:
        click.echo(
            "the pairs of this dataset have no grade (it was built by an older version): they come in random order; `a2dsplus build`"
            " run again grades them",
            err=True,
        )
    click.echo(f"review page: {address}")
    click.echo("Ctrl-C stops; nothing is lost", err=True)
    config = uvicorn.Config(
        # where a team shares one server, nobody is taken for its owner: each page asks for a name
        application(desk, reviewer=reviewer if is_loopback(host) else None, token=token, hosts=hosts),
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    if open_page:
        _open(desk.workspace, address)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
    desk.store.close()


def _open(workspace: Workspace, address: str) -> None:
    """Open the page without its token on a command line, which every login of the machine could read."""
    path = workspace.path(".a2dsplus", "review-page.html").resolve()
    page = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={html.escape(address)}">\n'
    webbrowser.open(path.as_uri() if _write_private(path, page) else address.partition("?")[0])


def _login() -> str:
    try:
        return getpass.getuser()[:40]
    except (OSError, KeyError):
        return "reviewer"


def _listen(host: str, port: int | None) -> socket.socket:
    """Return a listening socket, so that the port is known, and taken, before anything is promised."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for wanted in (port,) if port is not None else (_PORT, 0):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, wanted))
            listener.listen(128)
        except OSError as error:
            listener.close()
            if port is None and wanted == _PORT:
                continue
            raise InputError(
                f"{host} port {wanted}: cannot be listened on ({error.strerror}); choose another --port or --host"
            ) from error
        return listener
    raise InputError(f"{host}: no free port; choose one with --port")
