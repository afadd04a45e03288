"""A contact sheet of a dataset: example composites of its subsets, referents outlined, captions beneath."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from a2dsplus import records
from a2dsplus.compose.subset import Subset
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.media import sheet
from a2dsplus.records import Query, Sample

_ACCENT: sheet.Colour = (30, 150, 110)
_COLUMNS = 4
_EXPLAINED = {
    records.SubsetName.N: "N  the split as it is",
    records.SubsetName.M: "M  several actors, one video",
    records.SubsetName.S: "S  query and contrast side by side",
    records.SubsetName.T: "T  query, then contrast: the right answer there is no mask",
}


def draw(workspace: Workspace, path: Path, *, rows: int = 2, seed: int = 0) -> None:
    """Write a PNG, JPEG or PDF with `rows` samples of each subset, four frames each; the choice depends on the seed."""
    sheet.check_suffix(path)
    sheet.write(path, _rows(workspace, rows, seed), columns=_COLUMNS)


def _rows(workspace: Workspace, rows: int, seed: int) -> Iterator[sheet.Row]:
    for name in records.SubsetName:
        if not workspace.path(name, "samples.jsonl").exists():
            continue
        found = Subset(workspace.root, name)
        for place, (sample, query) in enumerate(_chosen(found, rows, seed)):
            yield sheet.Row(
                pictures=_pictures(found, sample, query),
                lines=[(words, sheet.INK) for words in _words(sample, query)],
                title="" if place else _EXPLAINED[name],
            )


def _chosen(found: Subset, rows: int, seed: int) -> list[tuple[Sample, Query]]:
    rng = np.random.default_rng([seed, ord(found.name.value)])
    # a sheet is to show what the subset is about: visible referents, and contrasts of the best tier
    good = [row for row in found.queries if (row[0].tier or 1) == 1 and len(row[1].text) < 60] or found.queries
    order = rng.permutation(len(good))
    return [good[position] for position in sorted(order[:rows])]


def _pictures(found: Subset, sample: Sample, query: Query) -> list[sheet.Picture]:
    numbers, masks = found.masks(sample, query)
    kept = np.unique(np.linspace(0, len(numbers) - 1, _COLUMNS).round().astype(int))
    frames = found.frames(sample, [numbers[position] for position in kept])
    return [sheet.outlined(frame, [(masks[position], _ACCENT)]) for frame, position in zip(frames, kept, strict=True)]


def _words(sample: Sample, query: Query) -> Iterator[str]:
    words = f"“{' '.join(query.text.split())}”"
    if sample.contrast is not None:
        words += f"    contrast: “{' '.join(sample.contrast.text.split())}”  (differs in {', '.join(sample.differing)})"
    yield words
