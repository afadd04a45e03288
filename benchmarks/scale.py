"""What engines cost, and whether memory stays flat.

    python benchmarks/scale.py engines DATASET [--renders 300] [--captions 20000]    ray beside local, two workers each
    python benchmarks/scale.py tasks                                                 what a task costs on each engine
    python benchmarks/scale.py render DATASET --count 10000                          peak memory of rendering tiny composites
    python benchmarks/scale.py score --units 1000000                                 time and peak memory of `a2dsplus score`

DATASET: a folder made by `a2dsplus build` (its clips have to be there). `engines` runs the engines one after another in each round, in an
order that turns; both are started before the clock, captions are made distinct by a number. `render` runs
in a process of its own for a tenth of the count and for the count; DATASET should be one of tiny clips.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as coco

from a2dsplus.compose.render import Rendering, render
from a2dsplus.dataset import samples_file, tables
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.engine import Engine, LocalEngine, make_engine, nothing
from a2dsplus.records import Clip, Sample


def numbered(dataset: Path, count: int) -> tuple[list[Sample], dict[str, Clip]]:
    """Return `count` samples of S, under numbers, again and again from the first, and the clips."""
    workspace = Workspace.open(dataset)
    samples = list(samples_file.read(workspace.path("S", samples_file.NAME)))
    found = [replace(samples[place % len(samples)], sample_id=f"{place:06d}") for place in range(count)]
    return found, dict(tables.read_clips(workspace))


def rendered(samples: Sequence[Sample], clips: dict[str, Clip], engine: Engine, form: Any = "video") -> float:
    """Return the seconds that rendering takes."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        result = render(
            Path(folder),
            samples,
            clips,
            rendering=Rendering(form=form),
            journal=Path(folder, "journal"),
            stamps=dict.fromkeys(clips, ""),
            engine=engine,
        )
        seconds = time.perf_counter() - begin
    assert result.made == len(samples), result.failed[:1]
    return seconds


def parsed(captions: Sequence[str], engine: Engine) -> float:
    from a2dsplus.roles import parse

    begin = time.perf_counter()
    parse(captions, engine=engine)
    return time.perf_counter() - begin


def same(_state: None, item: int) -> int:
    return item


def tasks(many: int = 3000) -> None:
    for name in ("local", "ray"):
        engine = make_engine(name, workers=2)
        list(engine.run(same, range(4), start=nothing))
        times = []
        for _ in range(3):
            begin = time.perf_counter()
            list(engine.run(same, range(many), start=nothing))
            whole = time.perf_counter() - begin
            begin = time.perf_counter()
            list(engine.run(same, range(2), start=nothing))
            times.append((whole - (time.perf_counter() - begin)) / many)
        print(f"{name:6} {1e3 * statistics.median(times):.2f} ms a task, beyond starting")


def engines(dataset: Path, renders: int, captions: int, rounds: int) -> None:
    samples, clips = numbered(dataset, renders)
    texts = [query.text for query in tables.read_queries(Workspace.open(dataset))]
    words = [f"{texts[place % len(texts)]} {place // len(texts) + 1}" for place in range(captions)]
    both = {name: make_engine(name, workers=2) for name in ("local", "ray")}
    list(both["ray"].run(same, range(4), start=nothing))
    jobs = {
        "renders": (renders, lambda e: rendered(samples, clips, e)),
        "captions": (captions, lambda e: parsed(words, e)),
    }
    for what, (many, job) in jobs.items():
        if not many:
            continue
        times: dict[str, list[float]] = {name: [] for name in both}
        for number in range(rounds):
            for name in list(both)[:: -1 if number % 2 else 1]:
                times[name].append(job(both[name]))
                print(f"  {what}, round {number + 1}, {name}: {times[name][-1]:.1f} s", flush=True)
        ratios = [ray / local for ray, local in zip(times["ray"], times["local"], strict=True)]
        local, ray = (statistics.median(times[name]) for name in ("local", "ray"))
        print(
            f"{many} {what}: local {local:.1f} s, ray {ray:.1f} s, ray / local {statistics.median(ratios):.2f} (median of {rounds})"
        )


def memory_of_render(dataset: Path, count: int) -> None:
    for many in (count // 10, count):
        command = [sys.executable, __file__, "render", str(dataset), "--count", str(many), "--alone"]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="", flush=True)


def render_alone(dataset: Path, count: int) -> None:
    samples, clips = numbered(dataset, count)
    seconds = rendered(samples, clips, LocalEngine(workers=1))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count} composites: {seconds:.0f} s, {peak:.0f} MiB at most")


def score(units: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for many in (units // 10, units):
            truth, found = Path(folder, "S", "ground_truth.json"), Path(folder, "found")
            truth.parent.mkdir(exist_ok=True)
            found.mkdir(exist_ok=True)
            _write(truth, found / "S.json", many)
            own = [sys.executable, "-m", "a2dsplus", "score", str(found), "--dataset", folder, "--resamples", "0"]
            before, begin = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime, time.perf_counter()
            code = "import resource,runpy,sys; sys.argv=sys.argv[1:]; import a2dsplus.cli as c\n"
            code += "try:\n c.run()\nfinally:\n print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)"
            run = subprocess.run([sys.executable, "-c", code, *own[2:]], capture_output=True, text=True)
            assert run.returncode == 0, run.stderr
            used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
            size = (truth.stat().st_size + (found / "S.json").stat().st_size) / 2**20
            print(
                f"{many} units ({size:.0f} MiB of JSON): {time.perf_counter() - begin:.0f} s by the clock, {used:.0f} s of the processor,"
                f" {run.stderr.split()[-1]} MiB at most",
                flush=True,
            )


def _write(truth: Path, found: Path, units: int) -> None:
    """Write a ground truth of blocks of 96 x 128 pixels and results that are those blocks, moved."""
    shapes = []
    for place in range(64):
        mask = np.zeros((96, 128), np.uint8)
        mask[place % 48 : place % 48 + 30, place : place + 40] = 1
        rle = coco.encode(np.asfortranarray(mask))
        shapes.append({"size": rle["size"], "counts": rle["counts"].decode()})
    images, annotations, results = [], [], []
    for unit in range(units):
        key = f"v{unit // 10:06d}_0/{unit % 10 + 1:05d}/0"
        images.append({"id": unit + 1, "key": key, "file_name": "", "height": 96, "width": 128})
        annotations.append(
            {
                "id": unit + 1,
                "image_id": unit + 1,
                "category_id": 1,
                "segmentation": shapes[unit % 64],
                "area": 1200,
                "bbox": [0, 0, 40, 30],
                "iscrowd": 0,
            }
        )
        results.append(
            {"image_id": unit + 1, "category_id": 1, "segmentation": shapes[(unit + unit % 7) % 64], "score": 0.5}
        )
    document = {
        "info": {"schema": 2},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "referent"}],
    }
    truth.write_text(json.dumps(document))
    found.write_text(json.dumps(results))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["engines", "tasks", "render", "score"])
    parser.add_argument("dataset", type=Path, nargs="?")
    parser.add_argument("--renders", type=int, default=300)
    parser.add_argument("--captions", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--units", type=int, default=1_000_000)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.what == "tasks":
        tasks()
    elif options.what == "score":
        score(options.units)
    elif options.dataset is None:
        parser.error("DATASET is missing")
    elif options.what == "engines":
        engines(options.dataset, options.renders, options.captions, options.rounds)
    elif options.alone:
        render_alone(options.dataset, options.count)
    else:
        memory_of_render(options.dataset, options.count)


if __name__ == "__main__":
    main()
