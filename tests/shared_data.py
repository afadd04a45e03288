"""Where the development data lies that is not part of the project, and a marker for tests that read it."""

import os
from pathlib import Path

import pytest

_DEFAULT = Path(__file__).resolve().parents[2] / "shared"
_CHOSEN = Path(os.environ.get("A2DSPLUS_SHARED", _DEFAULT))
SHARED: Path = _CHOSEN

needs_shared = pytest.mark.skipif(
    not (_CHOSEN / "data" / "a2d_annotation.txt").exists(),
    reason=f"the A2D-Sentences development data is not at {_CHOSEN} (set A2DSPLUS_SHARED)",
)
