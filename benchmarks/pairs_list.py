"""The published lists of pairs of J-HMDB-Sentences and Refer-YouTube-VOS valid, drawn from the captions alone.

    python benchmarks/pairs_list.py jhmdb-s-test-1 jhmdb_annotation.txt
    python benchmarks/pairs_list.py refer-ytvos-valid-1 meta_expressions.json --scored VIDEOS

VIDEOS: the ids of valid's 202 scored videos, one a line; the release's valid without those of its test. A draw depends on seed, ids and captions, so the
clips are one grey picture under every name. What runs is `a2dsplus build --subsets S --render none` and `a2dsplus review --export NAME.json`; --judged and
what stands behind it go to the latter. With --sample N a sample of N pairs is printed beside all captions of the contrast's video, to be judged by hand.
"""

import argparse
import csv
import gzip
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat
from ytvos_build import lay_out

from a2dsplus.dataset import tables
from a2dsplus.dataset.workspace import Workspace


def jhmdb(root: Path, captions: Path) -> str:
    """Lay out J-HMDB-Sentences with a frame and a mask a video; return the split."""
    root.mkdir()
    (root / "jhmdb_annotation.txt").write_bytes(captions.read_bytes())
    with captions.open(encoding="utf-8-sig", newline="") as file:
        videos = [row[0] for row in csv.reader(file) if row and row[0] != "video_id"]
    mask = np.ones((24, 32, 1), np.uint8)
    for video in videos:
        folder = root / "Rename_Images" / "any" / video
        folder.mkdir(parents=True)
        Image.new("L", (32, 24), 90).save(folder / "00001.png")
        (root / "puppet_mask" / "any" / video).mkdir(parents=True)
        savemat(root / "puppet_mask" / "any" / video / "puppet_mask.mat", {"part_mask": mask})
    return "test"


def refer_ytvos(root: Path, expressions: Path, scored: Path) -> str:
    """Lay out Refer-YouTube-VOS valid, its test's videos subtracted; return the split."""
    opened = gzip.open if expressions.suffix == ".gz" else open
    with opened(expressions, "rt", encoding="utf-8") as file:
        document = json.load(file)
    wanted = set(scored.read_text().split())
    lay_out(root, {"videos": {video: own for video, own in document["videos"].items() if video in wanted}}, "valid")
    return "valid"


def show(out: Path, sample: int, seed: int) -> None:
    """Print a sample of the pairs in use."""
    workspace = Workspace(out)
    texts = {query.query_id: query for query in tables.read_queries(workspace)}
    pairs = [pair for pair in tables.read_pairs(workspace) if pair.rank == 0 and pair.grade == "excluded"]
    for number, pair in enumerate(random.Random(seed).sample(pairs, min(sample, len(pairs))), 1):
        video = texts[pair.contrast_query_id].video_id
        beside = [query.text for query in texts.values() if query.video_id == video]
        print(f"{number:3} {pair.because!r:40} {texts[pair.query_id].text!r}  |  {'; '.join(beside)}")


def main() -> None:
    """Lay out, build, export."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=["jhmdb-s-test-1", "refer-ytvos-valid-1"])
    parser.add_argument("captions", type=Path)
    parser.add_argument("--scored", type=Path)
    parser.add_argument("--judged", default="")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--sample-seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path())
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder) / "root", Path(folder) / "out"
        if given.name.startswith("jhmdb"):
            split = jhmdb(root, given.captions)
        else:
            split = refer_ytvos(root, given.captions, given.scored)
        for words in (
            [
                "build",
                "--root",
                root,
                "--split",
                split,
                "--subsets",
                "S",
                "--render",
                "none",
                "--seed",
                "0",
                "--out",
                out,
            ],
            ["review", "--dataset", out, "--export", given.out / f"{given.name}.json", "--judged", given.judged],
        ):
            run = subprocess.run([sys.executable, "-m", "a2dsplus", *map(str, words)], check=True, stdout=subprocess.PIPE, text=True)  # fmt: skip
            print("\n".join(line for line in run.stdout.splitlines() if not line.startswith(("no pair", "left out"))))
        if given.sample:
            show(out, given.sample, given.sample_seed)


if __name__ == "__main__":
    main()
