"""Minutes and memory of a build from Refer-YouTube-VOS' expressions, without masks: parsing, sampling, composing N, S and T.

    python benchmarks/ytvos_build.py META_EXPRESSIONS [--split valid] [--workers 1]

META_EXPRESSIONS is the split's meta_expressions.json, or it gzipped. Frames are one 1280x720 JPEG under every name (hard links): a build without
rendering opens each and decodes none. The build is `a2dsplus build --render none` in a process of its own; its peak memory is the system's figure.
"""

import argparse
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image


def lay_out(root: Path, document: dict, split: str) -> tuple[int, int, int]:
    """Write the release's folders; return the numbers of videos, expressions and frames."""
    meta = root / "meta_expressions" / split
    meta.mkdir(parents=True)
    (meta / "meta_expressions.json").write_text(json.dumps(document))
    Image.new("RGB", (1280, 720), (90, 120, 60)).save(root / "frame.jpg")
    frames = 0
    for video, own in document["videos"].items():
        folder = root / split / "JPEGImages" / video
        folder.mkdir(parents=True)
        for name in own["frames"]:
            os.link(root / "frame.jpg", folder / f"{name}.jpg")
            frames += 1
    return len(document["videos"]), sum(len(own["expressions"]) for own in document["videos"].values()), frames


def main() -> None:
    """Lay out, build, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("meta", type=Path)
    parser.add_argument("--split", default="valid")
    parser.add_argument("--workers", default="1")
    given = parser.parse_args()
    opened = gzip.open if given.meta.suffix == ".gz" else open
    with opened(given.meta, "rt", encoding="utf-8") as file:
        document = json.load(file)
    with tempfile.TemporaryDirectory() as folder:
        videos, expressions, frames = lay_out(Path(folder) / "root", document, given.split)
        command = [
            sys.executable, "-m", "a2dsplus", "build", "--root", f"{folder}/root", "--split", given.split, "--subsets", "N,S,T",
            "--render", "none", "--workers", given.workers, "--out", f"{folder}/out",
        ]  # fmt: skip
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        printed, _ = process.communicate()
        # the process was waited for: of all children the largest, which is the build
        took = time.perf_counter() - start
        import resource

        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        print("\n".join(line for line in printed.splitlines() if not re.match(r"no pair|left out", line))[-1200:])
        if process.returncode:
            sys.exit(process.returncode)
        print(
            f"{expressions} expressions of {videos} videos, {frames} frames: {took / 60:.2f} minutes"
            f" ({(usage.ru_utime + usage.ru_stime) / 60:.2f} of processor), {usage.ru_maxrss / 1024:.0f} MiB at most"
        )


if __name__ == "__main__":
    main()
