"""Where the data shipped with the toolkit lies, in a checkout and in an installed wheel alike."""

import json
from pathlib import Path
from typing import Any

from a2dsplus import contract
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


def document(name: str, kind: Any) -> Any:
    """Return the content of a shipped JSON file; raises InputError where it is damaged or not of a kind (see `a2dsplus.contract`)."""
    file = path(name)
    try:
        found = json.loads(file.read_bytes())
        wrong = contract.fault(found, kind, "the file")
    except (OSError, ValueError, RecursionError) as error:
        wrong = str(error)
    if wrong:
        raise InputError(f"{file}: damaged ({wrong:.200}); install the toolkit again")
    return found
