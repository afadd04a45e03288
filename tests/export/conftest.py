"""Datasets to export: the small root as the paper composes it, by the strict recipe and otherwise, and a split of each kind without masks."""

from pathlib import Path

import pytest

from a2dsplus.build.options import BuildOptions
from a2dsplus.build.run import build
from a2dsplus.compose.render import Rendering
from a2dsplus.records import SubsetName
from a2dsplus.sources import find_source
from tests.sources import roots

ALL = tuple(SubsetName)


def make(root: Path, out: Path, **options: object) -> Path:
    """Build a dataset that is not rendered; return its folder."""
    build(find_source(root), out, options=BuildOptions(rendering=Rendering(form="none"), **options))
    return out


@pytest.fixture(scope="session")
def paper(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """M, S and T of the small root, not rendered."""
    return make(small_root, tmp_path_factory.mktemp("export") / "paper")


@pytest.fixture(scope="session")
def strict(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same by the strict recipe."""
    return make(small_root, tmp_path_factory.mktemp("export") / "strict", recipe="strict")


@pytest.fixture(scope="session")
def both(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """N, M, S and T by the strict recipe, every pair in both orders."""
    return make(small_root, tmp_path_factory.mktemp("export") / "both", recipe="strict", order="both", subsets=ALL)


@pytest.fixture(scope="session")
def contrasts(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """S and T with two contrasts a sample."""
    return make(small_root, tmp_path_factory.mktemp("export") / "contrasts", contrasts=2)


@pytest.fixture(scope="session")
def frozen(small_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """S and T beside the query's own clip, held."""
    return make(small_root, tmp_path_factory.mktemp("export") / "frozen", kind="frozen")


@pytest.fixture(scope="session")
def backwards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """S and T of Refer-YouTube-VOS' train beside the query's own clip, backwards."""
    folder = tmp_path_factory.mktemp("export")
    return make(roots.refer_ytvos(folder / "root"), folder / "backwards", kind="reversed", split="train")


@pytest.fixture(scope="session")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """N, M, S and T of a small MeViS: expressions of several objects and of none."""
    folder = tmp_path_factory.mktemp("export")
    return make(roots.mevis(folder / "root"), folder / "several", split="valid_u", subsets=ALL)


@pytest.fixture(scope="session")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """N and M of a small Refer-YouTube-VOS' train, whose frames have names."""
    folder = tmp_path_factory.mktemp("export")
    return make(
        roots.refer_ytvos(folder / "root"), folder / "named", split="train", subsets=(SubsetName.N, SubsetName.M)
    )


@pytest.fixture(scope="session")
def withheld(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """N, S and T of a small Refer-YouTube-VOS' valid, which has no masks."""
    folder = tmp_path_factory.mktemp("export")
    subsets = (SubsetName.N, SubsetName.S, SubsetName.T)
    return make(roots.refer_ytvos(folder / "root"), folder / "withheld", split="valid", subsets=subsets)
