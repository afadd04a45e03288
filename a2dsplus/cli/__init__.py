"""`a2dsplus`: one command a verb, each in the file of its name, imported only when it is called."""

import errno
import importlib
import os
import sys
from pathlib import Path

import click

from a2dsplus.errors import A2dsplusError
from a2dsplus.extras import explained, missing_extra
from a2dsplus.files import unwritable
from a2dsplus.progress import fails_first, leads
from a2dsplus.version import __version__

COMMANDS = {
    "build": "Construct M, S and T from an A2D-Sentences folder.",
    "parse": "Show the semantic roles of captions.",
    "review": "Check the sampled pairs on a local page.",
    "score": "Score a model's predictions.",
    "baseline": "Run a model over the subsets, write its predictions, score them.",
    "stats": "Print Table 2 of the paper beside this dataset; draw a contact sheet.",
    "verify": "Check every file of a dataset against its manifest.",
    "export": "Lay a dataset out as other tools read it.",
    "train": "Train LOCATER.",
    "train-srl": "Train the compact semantic-role model.",
    "bench": "Measure the memory against a Transformer block (Table 8g).",
    "world": "Paint the procedural sample as an A2D-Sentences folder.",
}


class _Verbs(click.Group):
    """A group that knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        with explained(cmd_name):
            command = importlib.import_module(f"a2dsplus.cli.{cmd_name.replace('-', '_')}").command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            missing = missing_extra(error, command=ctx.invoked_subcommand)
            if missing is None:
                raise
            raise missing from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="a2dsplus")
def main() -> None:
    """Construct, check, score and baseline A2D-S+, the benchmark of hard negatives in language-guided video segmentation.

    \b
    a2dsplus build --split test --root A2D   the dataset, from an A2D-Sentences folder
    a2dsplus review                          a person checks the sampled pairs
    a2dsplus score predictions/              any model's masks against the ground truth
    a2dsplus baseline --model locater        the reference model

    Without --root, build uses a small painted sample. Exit status: 0 done, 1 the input is at fault, 2 wrong usage.
    """


def run(command: click.Command = main) -> None:
    """Run the command line and exit; errors of the toolkit become one line on stderr, of all processes started together."""
    try:
        command.main(standalone_mode=False)
    except A2dsplusError as error:
        if fails_first():
            click.echo(f"error: {' '.join(str(error).split())}", err=True)
        sys.exit(error.exit_status)
    except click.ClickException as error:
        if fails_first():
            error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        if leads():
            click.echo("interrupted; what was finished is kept, run the same command again to go on", err=True)
        sys.exit(130)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) or error.filename is not None:
            raise
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # what is still buffered has nowhere to go either
        click.echo(f"error: {unwritable(Path('standard output'), error)}", err=True)
        sys.exit(1)
    sys.exit(0)
