"""Write docs/cli.md from the commands themselves: `python docs/make_cli_page.py`. A test fails where the page is stale."""

import sys
from pathlib import Path

import click

from a2dsplus.cli import COMMANDS, main

PAGE = Path(__file__).with_name("cli.md")
_WIDTH = 110
_HEAD = """# Commands

Written from the commands by `make cli-page`; `a2dsplus COMMAND --help` prints the same. Results go to stdout, progress and notes to stderr. Exit status: 0
done, 1 the input is at fault (one line on stderr says where, what and what to do), 2 wrong usage.

"""


def page() -> str:
    """Return the page: for each command its help, every option included."""
    parts = [_HEAD + "| command | does |\n| --- | --- |\n"]
    parts += [f"| [`{name}`](#a2dsplus-{name}) | {what} |\n" for name, what in COMMANDS.items()]
    # below the group's own context, as when it is called: `-h` is its setting
    group = click.Context(main, info_name="a2dsplus", help_option_names=["-h", "--help"])
    for name in COMMANDS:
        command = main.get_command(group, name)
        assert command is not None
        context = click.Context(command, group, name, terminal_width=_WIDTH, max_content_width=_WIDTH)
        lines = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
        parts.append(f"\n## a2dsplus {name}\n\n```text\n{lines}\n```\n")
    return "".join(parts)


if __name__ == "__main__":
    (Path(sys.argv[1]) if sys.argv[1:] else PAGE).write_text(page(), "utf-8")
