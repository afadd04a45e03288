"""`a2dsplus review`: serve the review page, or export what has been reviewed."""

import contextlib
import getpass
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

_PORT = 8710


@click.command("review", short_help="Check the sampled pairs on a local page.")
@click.option(
    "--dataset", type=click.Path(path_type=Path), default=DEFAULT, show_default=True, help="Folder made by build."
)
@click.option("--port", type=click.IntRange(0, 65535), help=f"Port to listen on.  [default: {_PORT}, or a free one]")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address to listen on; others than loopback need a token."
)
@click.option("--token", help="Token that a page must know.  [default: none on loopback, else a new one]")
@click.option("--allow-host", multiple=True, metavar="NAME", help="Further name under which the server is called.")
@click.option(
    "--reviewer", metavar="NAME", help="Who reviews; others choose a name on the page.  [default: your login]"
)
@click.option("--open/--no-open", "open_page", default=True, help="Open the page in the browser.  [default: open]")
@click.option(
    "--double",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of pairs that two reviewers judge.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Seed of the reviewers' orders and of the double share."
)
@click.option(
    "--database",
    metavar="URL",
    envvar="A2DSPLUS_DATABASE",
    help="SQLAlchemy URL of the log.  [default: DATASET/reviews.sqlite]",
)
@click.option(
    "--export", "export_to", type=click.Path(path_type=Path), help="Write the reviewed pairs, as ids alone, and exit."
)
def command(
    dataset: Path,
    port: int | None,
    host: str,
    token: str | None,
    allow_host: tuple[str, ...],
    reviewer: str | None,
    open_page: bool,
    double: float,
    seed: int,
    database: str | None,
    export_to: Path | None,
) -> None:
    """Check the sampled pairs on a local page, one key a verdict.

    Every verdict is on disk, in DATASET/reviews.sqlite, before the page moves on; run it again to go on where you stopped.
    `a2dsplus build` run again keeps accepted pairs and replaces rejected ones. With --export FILE no page is served: the
    reviewed pairs are written for `a2dsplus build --pairs FILE`.
    """
    from a2dsplus.review.decisions import reviewer_name
    from a2dsplus.review.desk import Desk, export
    from a2dsplus.review.guard import is_loopback
    from a2dsplus.review.queue import Rules
    from a2dsplus.review.store import Store, default_url

    workspace = Workspace.open(dataset)
    # asked for before anything is opened: a wrong call leaves no trace
    name = reviewer_name(reviewer) if reviewer else _login()
    if token is not None and len(token) < 16:
        raise UsageError("--token: at least 16 characters, or leave it out and one is made")
    if not is_loopback(host) and token is None:
        token = secrets.token_urlsafe(24)
    desk = Desk(workspace, Store(database or default_url(dataset)), rules=Rules(seed=seed, double=double))
    if export_to is not None:
        in_use, accepted = export(desk, export_to)
        click.echo(f"{export_to}: {in_use} pairs, {accepted} of them accepted")
        return
    with contextlib.closing(_listen(host, port)) as listener:
        _serve(desk, listener, host=host, token=token, hosts=(host, *allow_host), reviewer=name, open_page=open_page)


def _serve(
    desk: "Desk",
    listener: socket.socket,
    *,
    host: str,
    token: str | None,
    hosts: tuple[str, ...],
    reviewer: str,
    open_page: bool,
) -> None:
    import uvicorn

    from a2dsplus.review.guard import is_loopback
    from a2dsplus.review.server import application

    shown = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(host, host)
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}/"
    if token is not None:
        address += f"?token={token}"
    if not is_loopback(host):
        click.echo(
            f"warning: {host} can be reached from other machines; whoever has the address below, token included, can review,"
            " and what is sent is not encrypted",
            err=True,
        )
    progress = desk.progress(reviewer)
    click.echo(f"{progress['done']} of {progress['total']} pairs reviewed; verdicts go to {desk.store.name}", err=True)
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
        webbrowser.open(address)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
    desk.store.close()


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
