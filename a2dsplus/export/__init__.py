"""A dataset laid out as other tools of the field read it, so that their loaders run on M, S and T unchanged."""

from collections.abc import Callable
from pathlib import Path

from a2dsplus import records
from a2dsplus.compose.subset import Subset
from a2dsplus.errors import InputError
from a2dsplus.export import a2d, refer_ytvos
from a2dsplus.files import replacing_folder

# {layout: (writer, what reads it)}
LAYOUTS: dict[str, tuple[Callable[[Subset, Path, Callable[[int], None]], None], str]] = {
    "a2d": (a2d.write, "an A2D-Sentences folder: the loaders of MTTR, ReferFormer and their kin, and this toolkit"),
    "refer-ytvos": (
        refer_ytvos.write,
        "Refer-YouTube-VOS: JPEGImages, meta_expressions.json, Annotations as palette PNG",
    ),
}


def export(
    dataset: Path,
    out: Path,
    *,
    layout: str,
    subset: records.SubsetName,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write a subset of a dataset in another layout into the new folder `out`; `progress` is called with samples done.

    Raises InputError where `out` exists (nothing is overwritten), and what reading the dataset raises.
    """
    if out.exists():
        raise InputError(f"{out}: exists already; give a new folder with --out")
    found = Subset(dataset, subset)
    with replacing_folder(out) as draft:
        LAYOUTS[layout][0](found, draft, progress)
