"""Every error the toolkit raises for a reason its user can mend, one class a kind.

The message of each is one line that says where, what was expected, what was found and what to do.
The library raises them; only the command line prints them (`error: ...` on stderr) and exits: 1 for
`InputError` and its kin, 2 for `UsageError`.
"""

from collections.abc import Iterable, Sequence


class A2dsplusError(Exception):
    """The base of every error of the toolkit."""

    exit_status = 1

    def __str__(self) -> str:
        """Return the message as one printable line: it may quote what a stranger wrote."""
        return _one_line(super().__str__())


class InputError(A2dsplusError):
    """An input file, row or frame is at fault."""


class AnnotationError(InputError):
    """A caption table, video table or mask file of a dataset is at fault."""


class ClipError(InputError):
    """A video clip is missing, truncated, empty or of an unexpected size."""


class MaskError(InputError):
    """A mask or its run-length encoding is malformed or of the wrong size."""


class ModelError(InputError):
    """A model archive or checkpoint cannot be read, or does not fit its configuration."""


class PredictionError(InputError):
    """Predictions are missing, malformed, of the wrong size, or made for other data."""


class WorkspaceError(InputError):
    """The output folder is of another source, another version, damaged, or cannot be written."""


class WorkerError(InputError):
    """A worker process died before its work was done."""


class MissingExtraError(A2dsplusError, ImportError):
    """A package that the base install leaves out is needed; the message says what to install."""


class UsageError(A2dsplusError):
    """The call itself is wrong: an option's value or a combination of options."""

    exit_status = 2


def listed(items: Iterable[object], *, most: int = 10) -> str:
    """Return the first `most` items, each cut, joined by commas, and how many more there are."""
    found: Sequence[str] = [cut(str(item)) for item in items]
    head = ", ".join(found[:most])
    return head if len(found) <= most else f"{head} and {len(found) - most} more"


def cut(text: str, *, most: int = 100) -> str:
    """Return a text as it stands in a message: its first characters where it is longer than `most`."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


_LONGEST_LINE = 1000


def _one_line(text: str) -> str:
    """Return a text without line breaks or characters that a terminal would act on; of a very long one, its beginning and its end."""
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in line)
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 260]} ... {line[-250:]}"
