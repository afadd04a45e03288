"""Where the data shipped with the toolkit lies, in a checkout and in an installed wheel alike."""

from pathlib import Path

from a2dsplus.errors import InputError

_PACKAGE = Path(__file__).resolve().parent


def path(name: str) -> Path:
    """Return the path of a shipped file or folder, such as `annotations/published.json` or `review_ui`.

    Raises InputError where the installation lacks it.
    """
    for root in (_PACKAGE / "_data", _PACKAGE.parent):
        found = root / name
        if found.exists():
            return found
    raise InputError(f"{name}: not part of this installation; install the toolkit again")
