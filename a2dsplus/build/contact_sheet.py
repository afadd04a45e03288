"""A contact sheet: example composites of M, S and T with referents drawn and captions beneath, as one picture."""

from pathlib import Path

import cv2
import matplotlib
import numpy as np
import numpy.typing as npt

from a2dsplus import records
from a2dsplus.compose.subset import Subset
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.files import replacing
from a2dsplus.records import Query, Sample

_ACCENT = (30 / 255, 150 / 255, 110 / 255)
_COLUMNS = 4
_EXPLAINED = {
    records.SubsetName.N: "N  the split as it is",
    records.SubsetName.M: "M  several actors, one video",
    records.SubsetName.S: "S  query and contrast side by side",
    records.SubsetName.T: "T  query, then contrast: the right answer there is no mask",
}


def draw(workspace: Workspace, path: Path, *, rows: int = 2, seed: int = 0) -> None:
    """Write a PNG (or PDF, SVG) with `rows` samples of each subset, four frames each; the choice depends on the seed."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    chosen = [
        (name, found, sample, query)
        for name in records.SubsetName
        if workspace.path(name, "samples.jsonl").exists()
        for found in [Subset(workspace.root, name)]
        for sample, query in _chosen(found, rows, seed)
    ]
    figure = pyplot.figure(
        figsize=(11, 0.5 + sum(_height(sample) for _, _, sample, _ in chosen)), dpi=110, facecolor="white"
    )
    heights = [_height(sample) for _, _, sample, _ in chosen]
    grid = figure.add_gridspec(
        len(chosen), 1, height_ratios=heights or None, hspace=0.28, left=0.015, right=0.985, top=0.97, bottom=0.035
    )
    previous = None
    for number, (name, found, sample, query) in enumerate(chosen):
        axes = figure.add_subplot(grid[number])
        axes.imshow(_strip(found, sample, query))
        axes.set_axis_off()
        if name is not previous:
            axes.set_title(_EXPLAINED[name], loc="left", fontsize=10, fontweight="bold")
        words = f"“{' '.join(query.text.split())}”"
        if sample.contrast is not None:
            words += (
                f"    contrast: “{' '.join(sample.contrast.text.split())}”  (differs in {', '.join(sample.differing)})"
            )
        axes.text(0, -0.04, words, transform=axes.transAxes, va="top", fontsize=8.5, color="#333333")
        previous = name
    with replacing(path) as partial:
        figure.savefig(partial, format=path.suffix.lstrip(".") or "png", facecolor="white")
    pyplot.close(figure)


def _chosen(found: Subset, rows: int, seed: int) -> list[tuple[Sample, Query]]:
    rng = np.random.default_rng([seed, ord(found.name.value)])
    # a sheet is to show what the subset is about: visible referents, and contrasts of the best tier
    good = [row for row in found.queries if (row[0].tier or 1) == 1 and len(row[1].text) < 60] or found.queries
    order = rng.permutation(len(good))
    return [good[position] for position in sorted(order[:rows])]


def _height(sample: Sample) -> float:
    return 11 * 0.97 * sample.height / (_COLUMNS * sample.width) + 0.45


def _strip(found: Subset, sample: Sample, query: Query) -> npt.NDArray[np.uint8]:
    numbers, masks = found.masks(sample, query)
    kept = np.unique(np.linspace(0, len(numbers) - 1, _COLUMNS).round().astype(int))
    frames = found.frames(sample, [numbers[position] for position in kept])
    images = [_outlined(frame, masks[position]) for frame, position in zip(frames, kept, strict=True)]
    images += [np.full_like(images[0], 255)] * (_COLUMNS - len(images))
    gap = np.full((sample.height, max(2, sample.width // 80), 3), 255, np.uint8)
    spaced = [part for image in images for part in (image, gap)][:-1]
    return np.hstack(spaced)


def _outlined(frame: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    tint = np.array(_ACCENT) * 255
    image = frame.copy()
    image[mask] = (0.72 * image[mask] + 0.28 * tint).astype(np.uint8)
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(image, contours, -1, (255, 255, 255), 2, cv2.LINE_AA)
    cv2.drawContours(image, contours, -1, tuple(int(c) for c in tint), 1, cv2.LINE_AA)
    return image
