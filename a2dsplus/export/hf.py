"""A dataset as Hugging Face `datasets` reads it, plain and streaming: a configuration a subset, a row a (sample, expression).

`<subset>/test.parquet` holds the words, the pictures of the evaluated frames and their masks; `<subset>/videos/` the clips as mp4.
"""

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from a2dsplus.compose.render import write_video
from a2dsplus.compose.subset import Subset
from a2dsplus.export.layout import Layout, Task
from a2dsplus.files import inside
from a2dsplus.records import Query, Sample, SubsetName

_JPEG_QUALITY = 95
_ROWS = 8  # that are read together: their pictures are in memory at once
_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_MASK = pa.struct([("frame", pa.int64()), ("size", pa.list_(pa.int64())), ("counts", pa.string())])
_SCHEMA = pa.schema(
    [
        ("sample_id", pa.string()),
        ("expression", pa.string()),
        ("text", pa.string()),
        ("query_id", pa.string()),
        ("video", pa.string()),
        ("frames", pa.int64()),
        ("height", pa.int64()),
        ("width", pa.int64()),
        ("evaluated_frames", pa.list_(pa.int64())),
        ("images", pa.list_(_IMAGE)),
        ("masks", pa.list_(_MASK)),
    ]
)
_ABOUT = {
    "sample_id": "the sample",
    "expression": "which of its expressions, as in the folders of predictions",
    "text": "the referring expression",
    "query_id": "<video_id>/<expression_id> of the source",
    "video": "the whole clip, an mp4 in this folder",
    "frames": "number of its frames",
    "height": "in pixels",
    "width": "in pixels",
    "evaluated_frames": "frames at which the mask is judged, counted from 1",
    "images": "these frames as pictures",
    "masks": "the right masks there, as COCO run lengths (frame, size, counts); all background where nothing is the right answer",
}


def write(task: Task) -> list[str]:
    """Write README.md, and of each subset a table and its clips."""
    for name, subset in task.subsets.items():
        _write_subset(task, name, subset)
    (task.out / "README.md").write_text(_card(task), encoding="utf-8")
    first = next(iter(task.subsets))
    return [f'read it with: datasets.load_dataset("{task.target}", "{first}", split="test")']


def _write_subset(task: Task, name: SubsetName, subset: Subset) -> None:
    folder = task.out / name
    (folder / "videos").mkdir(parents=True)
    features = {field.name: _feature(field.name, field.type) for field in _SCHEMA}
    schema = _SCHEMA.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    with pq.ParquetWriter((folder / "test.parquet").absolute(), schema) as writer:
        waiting: list[dict[str, Any]] = []
        for sample in subset.samples:
            clip = inside(folder / "videos", f"{sample.sample_id}.mp4")
            write_video(clip, sample, subset.clips)
            waiting += _rows(subset, sample, video=f"{name}/videos/{clip.name}")
            while len(waiting) >= _ROWS:
                writer.write_table(pa.Table.from_pylist(waiting[:_ROWS], schema))
                del waiting[:_ROWS]
            task.progress(1)
        writer.write_table(pa.Table.from_pylist(waiting, schema))


def _rows(subset: Subset, sample: Sample, *, video: str) -> Iterator[dict[str, Any]]:
    """Yield a sample's rows; the pictures of frames that several expressions share are encoded once."""
    masks: dict[str, dict[int, Mapping[str, Any]]] = {}
    for unit in subset.units(sample):
        masks.setdefault(unit.query_id, {})[unit.frame] = unit.mask
    wanted = sorted({frame for own in masks.values() for frame in own})
    pictures = dict(zip(wanted, map(_jpeg, subset.frames(sample, wanted) if wanted else ()), strict=True))
    for query in subset.asked(sample):
        own = masks.get(query.query_id, {})
        yield {
            **_words(sample, query, video=video),
            "evaluated_frames": sorted(own),
            "images": [{"bytes": pictures[frame], "path": f"{frame:05d}.jpg"} for frame in sorted(own)],
            "masks": [
                {"frame": frame, "size": own[frame]["size"], "counts": _text(own[frame]["counts"])}
                for frame in sorted(own)
            ],
        }


def _words(sample: Sample, query: Query, *, video: str) -> dict[str, Any]:
    return {
        "sample_id": sample.sample_id,
        "expression": sample.expression_of(query.query_id),
        "text": query.text,
        "query_id": query.query_id,
        "video": video,
        "frames": sample.frames,
        "height": sample.height,
        "width": sample.width,
    }


def _text(counts: Any) -> str:
    return counts.decode("ascii") if isinstance(counts, bytes) else str(counts)


def _jpeg(frame: Any) -> bytes:
    data = io.BytesIO()
    Image.fromarray(frame).save(data, "JPEG", quality=_JPEG_QUALITY)
    return data.getvalue()


def _feature(name: str, kind: pa.DataType) -> Any:
    """Return a column's type in the words of `datasets`."""
    if kind == _IMAGE:
        return {"_type": "Image"}
    if pa.types.is_list(kind):
        return [_feature(name, kind.value_type)]
    if pa.types.is_struct(kind):
        return {field.name: _feature(field.name, field.type) for field in kind}
    return {"dtype": str(kind), "_type": "Value"}


def _card(task: Task) -> str:
    configurations = [
        f"- config_name: {name}\n  data_files:\n  - split: test\n    path: {name}/test.parquet" for name in task.subsets
    ]
    title = f"A2D-S+ of {task.source}, {task.split}"
    columns = "\n".join(f"| {column} | {what} |" for column, what in _ABOUT.items())
    first = next(iter(task.subsets))
    return f"""---
pretty_name: {json.dumps(title)}
configs:
{chr(10).join(configurations)}
---

# {title}

Hard negatives for referring video segmentation, made by `a2dsplus`: recipe {task.manifest.get("recipe", "paper")}, seed {task.manifest.get("seed", 0)}.

```python
import datasets

rows = datasets.load_dataset("FOLDER", "{first}", split="test")  # one row a (sample, expression)
rows[0]["text"], rows[0]["images"][0]  # the words, the first evaluated frame
```

All frames of a clip, without torchcodec:

```python
import av

with av.open("FOLDER/" + rows[0]["video"]) as container:
    frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
```

| column | is |
| --- | --- |
{columns}

Masks decode with `pycocotools.mask.decode`. Predictions are scored by `a2dsplus score`. Clips, captions and masks are their authors', under their
terms: ask before you pass this folder on.
"""


LAYOUT = Layout(write=write, reads="Hugging Face `datasets`, plain and streaming", several=True)
