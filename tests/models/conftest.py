"""The small root as a dataset, for every test of the models."""

from pathlib import Path

import pytest

from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.compose.render import Rendering
from a2dsplus.sources.a2d import A2dSource


@pytest.fixture(scope="session")
def dataset(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small root as a dataset, not rendered, read only."""
    out = tmp_path_factory.mktemp("dataset") / "out"
    build(A2dSource(small_root), out, options=BuildOptions(rendering=Rendering(form="none")))
    return out
