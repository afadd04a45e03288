"""Files written whole or not at all."""

import os
from pathlib import Path

from a2dsplus.errors import InputError


def write_whole(file: Path, text: str) -> None:
    """Write a text file under a temporary name and rename it; raises InputError where it cannot be written."""
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{file}: cannot be written ({error.strerror}); choose another file") from None
