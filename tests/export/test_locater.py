"""The locater export, read as FORMATS describes the released test loader."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from a2dsplus.errors import InputError
from a2dsplus.export import export
from tests.export import reading

TYPES = {"N": "NORM", "M": "MUL", "S": "SPAT", "T": "TEMP"}
CASES = [
    ("paper", "MST"),
    ("both", "NMST"),
    ("contrasts", "ST"),
    ("frozen", "ST"),
    ("backwards", "ST"),
    ("several", "NT"),
]


def rgb(path: Path) -> reading.Pixels:
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.mark.parametrize(("recipe", "subsets"), CASES)
def test_all_that_the_loader_opens(request: pytest.FixtureRequest, tmp_path: Path, recipe: str, subsets: str) -> None:
    dataset = request.getfixturevalue(recipe)
    lines = export(dataset, tmp_path / "out", layout="locater", subsets=list(subsets))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["A2D_SUBSET"]
    kinds = {TYPES[subset] for subset in subsets}
    assert {path.name for path in (tmp_path / "out" / "A2D_SUBSET").iterdir()} == kinds
    assert any(f"--data-root {(tmp_path / 'out').resolve()} --dataset A2D --testing-type" in line for line in lines)
    for subset in subsets:
        folder = tmp_path / "out" / "A2D_SUBSET" / TYPES[subset]
        sequences = json.loads((folder / f"A2D_{TYPES[subset]}_test_expressions.json").read_text())
        lengths = torch.load(folder / "vid_frame_dict.pth", weights_only=True)
        rows, captions = reading.samples(dataset, subset), reading.texts(dataset, subset)
        assert list(sequences) == list(rows) == list(lengths)
        found, read = {}, set()
        for sequence, own in sequences.items():
            pictures, total = folder / "allPngs320H" / sequence, lengths[sequence]
            assert total == rows[sequence]["frames"] == len(own["frames"])
            step = total // 3
            for place in range(3):
                rgb(pictures / f"{(1 + step) // 2 + place * step:05d}.png")
            frames = np.stack([rgb(pictures / f"{name}.png") for name in own["frames"]])
            assert np.array_equal(frames, reading.shown(dataset, subset, sequence))
            assert [(word, entry["exp"]) for word, entry in own["expressions"].items()] == captions[sequence]
            for word, entry in own["expressions"].items():
                assert set(entry["labels"]) <= set(own["frames"])
                for label in entry["labels"]:
                    path = folder / "mask" / f"{sequence}_{word}_{label}.pth"
                    mask = torch.load(path, weights_only=True)
                    assert mask.shape == frames.shape[1:3] and set(mask.unique().tolist()) <= {0, 1}
                    found[sequence, word, int(label)] = mask.float().numpy().astype(bool)
                    read.add(path)
        expected = reading.masks(dataset, subset)
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[unit], mask) for unit, mask in expected.items())
        assert read == set((folder / "mask").iterdir())


def test_a_clip_of_two_frames_has_the_frame_0_that_the_loader_asks_for(tmp_path: Path, named: Path) -> None:
    export(named, tmp_path / "out", layout="locater", subsets=["N"])
    folder = tmp_path / "out" / "A2D_SUBSET" / "NORM" / "allPngs320H"
    names = {path.name: sorted(own.name for own in path.iterdir()) for path in folder.iterdir()}
    assert names["-bbb111122"] == ["00000.png", "00001.png", "00002.png"]
    assert names["aaaa111122"] == ["00001.png", "00002.png", "00003.png"]


def test_masks_are_needed(tmp_path: Path, withheld: Path) -> None:
    with pytest.raises(
        InputError, match="S, T has no ground truth, since the split withholds masks or objects, and --layout locater"
    ):
        export(withheld, tmp_path / "out", layout="locater", subsets=["S", "T"])
    assert not any(tmp_path.iterdir())
