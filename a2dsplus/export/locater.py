"""Subsets as the released test code of LOCATER reads them: N as NORM, M as MUL, S as SPAT, T as TEMP."""

import io
import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import torch

from a2dsplus.compose.render import Rendering, write_images
from a2dsplus.compose.subset import Subset
from a2dsplus.export.layout import Layout, Task
from a2dsplus.files import inside
from a2dsplus.media.masks import decode
from a2dsplus.records import SubsetName

_TYPES = {SubsetName.N: "NORM", SubsetName.M: "MUL", SubsetName.S: "SPAT", SubsetName.T: "TEMP"}
_GLOBAL_FRAMES = 3  # of a shorter clip the loader asks for frame 0


def write(task: Task) -> list[str]:
    """Write A2D_SUBSET/<type>/: frames as PNG, a mask a (sample, expression, evaluated frame), the clips' lengths and the expressions."""
    for name, subset in task.subsets.items():
        _write_type(task, subset, _TYPES[name])
    types = ", ".join(_TYPES[name] for name in task.subsets)
    place = shlex.quote(str(task.target.resolve()))
    first = _TYPES[next(iter(task.subsets))]
    return [
        f"in LOCATER's folder: LOCAL_RANK=0 python tools/evaluate.py --data-root {place} --dataset A2D --testing-type {first} "
        f"--snapshot CHECKPOINT (of {types}; it needs a GPU, prints its figures and leaves no masks)",
        "its figures are what `a2dsplus score --protocol released` calls oIoU, mIoU, P@K and mAP_5",
    ]


def _write_type(task: Task, subset: Subset, kind: str) -> None:
    folder = task.out / "A2D_SUBSET" / kind
    (folder / "mask").mkdir(parents=True)
    expressions: dict[str, Any] = {}
    for sample in subset.samples:
        pictures = inside(folder, f"allPngs320H/{sample.sample_id}")
        write_images(pictures, sample, subset.clips, Rendering(form="frames", image="png"))
        if sample.frames < _GLOBAL_FRAMES:
            shutil.copyfile(pictures / "00001.png", pictures / "00000.png")
        own: dict[str, Any] = {}
        for word, query in zip(sample.asked, subset.asked(sample), strict=True):
            own[word] = {"exp": query.text, "labels": []}
        for unit in subset.units(sample):
            name = f"{unit.frame:05d}"
            own[unit.expression]["labels"].append(name)
            mask = inside(folder, f"mask/{sample.sample_id}_{unit.expression}_{name}.pth")
            _save(mask, torch.from_numpy(decode(unit.mask)).to(torch.uint8))
        frames = [f"{frame:05d}" for frame in range(1, sample.frames + 1)]
        expressions[sample.sample_id] = {"frames": frames, "expressions": own}
        task.progress(1)
    _save(folder / "vid_frame_dict.pth", {sample.sample_id: sample.frames for sample in subset.samples})
    document = json.dumps(expressions, ensure_ascii=False)
    (folder / f"A2D_{kind}_test_expressions.json").write_text(document + "\n", encoding="utf-8")


def _save(path: Path, value: object) -> None:
    """Write a torch file whose bytes do not tell its name."""
    data = io.BytesIO()
    torch.save(value, data)
    path.write_bytes(data.getvalue())


LAYOUT = Layout(write=write, reads="the released test code of LOCATER", several=True, needs_masks=True)
