"""A dataset as a Codabench benchmark: a bundle whose scoring program is this version of `a2dsplus score`.

The platform unpacks the scoring program into `program/`, the reference data into `input/ref`, a submission into `input/res`, runs the
command of the program's metadata.yaml in `program/` and reads `output/scores.json` and `output/detailed_results.html`.
"""

import json
import zipfile
from collections.abc import Iterable, Mapping
from importlib.metadata import requires
from pathlib import Path

from PIL import Image, ImageDraw

from a2dsplus import resources
from a2dsplus.compose.subset import Subset
from a2dsplus.export.layout import Layout, Task
from a2dsplus.records import SubsetName
from a2dsplus.version import __version__

_PACKAGE = Path(__file__).resolve().parents[1]
_PROGRAM = Path(__file__).with_name("codabench_program")
_LEFT_OUT = {"_data", "__pycache__", "codabench_program", "compact_model"}
_REFERENCE = ("ground_truth.json", "samples.jsonl", "meta_expressions.json", "blind.json")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of every entry: the same bytes whenever the bundle is made
_OPENS = "2020-01-01"  # the platform wants a date; the organiser sets his own
_COLUMNS: dict[str, tuple[str, ...]] = {
    "N": ("mIoU", "oIoU", "mAP", "J&F"),
    "M": ("mIoU", "oIoU", "mAP", "J&F"),
    "S": ("mIoU", "oIoU", "pair", "leak"),
    "T": ("mIoU", "oIoU", "pair", "N-acc", "leak"),
}
_LOWER_IS_BETTER = ("leak",)


def write(task: Task) -> list[str]:
    """Write bundle.zip, which is uploaded as it is, and the files that it is made of, to look at and to edit."""
    subsets = task.subsets
    columns = [f"{name}_{figure}" for name in subsets for figure in _figures(task, name)]
    parts = {
        "competition.yaml": _competition(task, columns),
        "overview.md": _overview(task, subsets),
        "terms.md": _TERMS,
    }
    for name, text in parts.items():
        (task.out / name).write_text(text, encoding="utf-8")
    _draw_logo(task.out / "logo.png")
    _zip(task.out / "scoring_program.zip", _program(columns))
    _zip(task.out / "reference_data.zip", _reference(task, subsets))
    whole = [*parts, "logo.png", "scoring_program.zip", "reference_data.zip"]
    _zip(task.out / "bundle.zip", {name: (task.out / name).read_bytes() for name in whole})
    task.progress(sum(len(subset.samples) for subset in task.subsets.values()))
    return [
        f"upload {task.target / 'bundle.zip'} at Codabench (Benchmarks, Management, Upload); its dates, its image and its pages are yours to change",
        "a submission is a zip of what `a2dsplus score` reads: <subset>.json, or <subset>/<sample_id>/<expression>/<frame>.png",
    ]


def _figures(task: Task, name: SubsetName) -> list[str]:
    both = any(len(sample.asked) > 1 for sample in task.subsets[name].samples)
    return [figure for figure in _COLUMNS[name] if figure != "pair" or both]


# ---- what the bundle holds -------------------------------------------------------------------------------------------


def _program(columns: list[str]) -> dict[str, bytes]:
    """Return the files of the scoring program: this toolkit without its models, what starts it, and what it needs."""
    needed = sorted(line for line in requires("a2dsplus") or [] if "extra ==" not in line)
    found = {
        "metadata.yaml": b"command: python3 run.py ../input ../output\n",
        "run.py": (_PROGRAM / "run.py").read_bytes(),
        "columns.json": (json.dumps(columns) + "\n").encode(),
        "requirements.txt": ("\n".join(needed) + "\n").encode(),
    }
    for path in sorted(_PACKAGE.rglob("*")):
        inner = path.relative_to(_PACKAGE)
        if (
            path.is_file()
            and not _LEFT_OUT.intersection(inner.parts)
            and path.suffix in (".py", ".css", ".j2", ".typed")
        ):
            found[f"a2dsplus/{inner.as_posix()}"] = path.read_bytes()
    for path in sorted(resources.path("annotations").glob("*.json")):
        found[f"a2dsplus/_data/annotations/{path.name}"] = path.read_bytes()
    return found


def _reference(task: Task, subsets: Mapping[SubsetName, Subset]) -> dict[str, bytes]:
    """Return what the scorer needs of the dataset."""
    names = ["manifest.json", *(f"{subset}/{name}" for subset in subsets for name in _REFERENCE)]
    return {name: (task.dataset / name).read_bytes() for name in names if (task.dataset / name).is_file()}


def _zip(path: Path, files: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED, 6)


def _draw_logo(path: Path) -> None:
    """Draw two clips side by side, the referent in one of them."""
    image = Image.new("RGB", (256, 256), "white")
    pen = ImageDraw.Draw(image)
    for left, colour in ((16, (36, 92, 190)), (132, (232, 150, 60))):
        pen.rounded_rectangle((left, 60, left + 108, 196), radius=18, fill=colour)
    pen.ellipse((42, 96, 98, 160), fill="white")
    image.save(path)


# ---- its pages -------------------------------------------------------------------------------------------------------


def _competition(task: Task, columns: Iterable[str]) -> str:
    name = f"A2D-S+ of {task.source}, {task.split}"
    lines = [
        "version: 2",
        f"title: {json.dumps(name)}",
        f"description: {json.dumps('Referring video segmentation with hard negatives: ' + _made(task))}",
        "image: logo.png",
        "terms: terms.md",
        "registration_auto_approve: false",
        "enable_detailed_results: true",
        "docker_image: python:3.11  # run.py installs what requirements.txt names; an image that has it starts sooner",
        "pages:",
        "  - title: Overview",
        "    file: overview.md",
        "tasks:",
        "  - index: 0",
        f"    name: {json.dumps(name)}",
        f"    description: {json.dumps(_made(task))}",
        "    reference_data: reference_data.zip",
        "    scoring_program: scoring_program.zip",
        "phases:",
        "  - name: Test",
        "    index: 0",
        "    description: Masks of the test split",
        f"    start: {_OPENS}",
        "    execution_time_limit: 3600",
        "    tasks:",
        "      - 0",
        "leaderboards:",
        "  - title: Results",
        "    key: results",
        "    submission_rule: Force_Last",
        "    columns:",
    ]
    for place, column in enumerate(columns):
        subset, _, figure = column.partition("_")
        order = "asc" if figure in _LOWER_IS_BETTER else "desc"
        lines += [
            f"      - title: {json.dumps(f'{subset} {figure}')}",
            f"        key: {json.dumps(column)}",
            f"        index: {place}",
            f"        sorting: {order}",
        ]
    return "\n".join(lines) + "\n"


def _made(task: Task) -> str:
    manifest = task.manifest
    return f"recipe {manifest.get('recipe', 'paper')}, seed {manifest.get('seed', 0)}, a2dsplus {__version__}."


def _overview(task: Task, subsets: Mapping[SubsetName, Subset]) -> str:
    manifest = task.manifest
    options = manifest.get("options", {})
    command = f"a2dsplus build --root YOUR-COPY --split {task.split} --seed {manifest.get('seed', 0)}"
    command += "".join(
        f" --{name} {options[name]}" for name in ("recipe", "order", "kind", "contrasts") if name in options
    )
    counts = "\n".join(
        f"| {name} | {len(subset.samples)} | {sum(len(sample.asked) for sample in subset.samples)} |"
        for name, subset in subsets.items()
    )
    return f"""# A2D-S+

Given a clip and a sentence, predict a binary mask of what the sentence says, in each evaluated frame. In S a contrast clip stands beside the
query's, in T one comes after it: on it the right answer is an empty mask.

| subset | samples | expressions |
| --- | ---: | ---: |
{counts}

The clips are their authors' and not handed on here. From your own copy of the source the same samples are made by

```
{command}
```

(the pairs depend on captions and seed alone; `a2dsplus verify` and the manifest's hashes tell whether they are the same).

## Submissions

A zip of `<subset>.json` (COCO results) or of `<subset>/<sample_id>/<expression>/<frame>.png`. Every unit of a subset needs a mask, an empty one if
nothing is there. The figures are those of `a2dsplus score`; the detailed results are its report.
"""


_TERMS = """# Terms

Captions, clips and masks are those of the source dataset, under its terms. Use them for research, and do not pass them on.
"""

LAYOUT = Layout(
    write=write, reads="a Codabench bundle whose scoring program is `a2dsplus score`", several=True, needs_masks=True
)
