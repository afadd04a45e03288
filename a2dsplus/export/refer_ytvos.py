"""A subset as Refer-YouTube-VOS has it: JPEGImages, meta_expressions.json, and masks as palette PNG a query and evaluated frame."""

import json
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from a2dsplus.compose.render import Rendering, write_images
from a2dsplus.compose.subset import Subset

_PALETTE = [0, 0, 0, 236, 95, 103]


def write(found: Subset, out: Path, progress: Callable[[int], None]) -> None:
    """Write valid/JPEGImages/<sample>/<frame>.jpg, valid/Annotations/<sample>/<expression>/<frame>.png (0 and 1) and
    meta_expressions/valid/meta_expressions.json, whose obj_id is A2D's instance id."""
    videos = {}
    rendering = Rendering(form="frames")
    for sample in found.samples:
        write_images(out / "valid" / "JPEGImages" / sample.sample_id, sample, found.clips, rendering)
        expressions = {}
        for number, query in enumerate(found.asked(sample)):
            expressions[str(number)] = {"exp": query.text, "obj_id": query.expression_id}
            folder = out / "valid" / "Annotations" / sample.sample_id / str(number)
            folder.mkdir(parents=True)
            for frame, mask in zip(*found.masks(sample, query), strict=True):
                image = Image.fromarray(mask.astype("uint8"), mode="P")
                image.putpalette(_PALETTE)
                image.save(folder / f"{frame:05d}.png", optimize=True)
        frames = [f"{frame:05d}" for frame in range(1, sample.frames + 1)]
        videos[sample.sample_id] = {"frames": frames, "expressions": expressions}
        progress(1)
    meta = out / "meta_expressions" / "valid"
    meta.mkdir(parents=True)
    (meta / "meta_expressions.json").write_text(json.dumps({"videos": videos}, sort_keys=True) + "\n", encoding="utf-8")
