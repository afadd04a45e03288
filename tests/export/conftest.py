"""Datasets to export: the small root as the paper composes it, and by the strict recipe, where both captions of a pair are asked."""

from pathlib import Path

import pytest

from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.compose.render import Rendering
from a2dsplus.sources.a2d import A2dSource


@pytest.fixture(scope="session")
def paper(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """M, S and T of the small root, not rendered."""
    out = tmp_path_factory.mktemp("export") / "paper"
    build(A2dSource(small_root), out, options=BuildOptions(rendering=Rendering(form="none")))
    return out


@pytest.fixture(scope="session")
def strict(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same by the strict recipe."""
    out = tmp_path_factory.mktemp("export") / "strict"
    build(A2dSource(small_root), out, options=BuildOptions(rendering=Rendering(form="none"), recipe="strict"))
    return out
