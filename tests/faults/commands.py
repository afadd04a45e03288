"""The commands that write, each over small inputs."""

import shutil

from tests.conftest import paint_root
from tests.faults.driver import Command, Runs

_TRAIN = ["--preset", "tiny", "--root", "root", "--split", "test", "--set", "image_size=32", "--set", "dim=32", "--epochs", "1", "--batch", "2",
          "--save-every", "1", "--workers", "0", "--precision", "fp32", "--clip-frames", "2", "--global-frames", "2", "--stride", "1"]  # fmt: skip
COMMANDS = [
    Command(name="build", words=["build", "--root", "root", "--out", "out", "--render", "video", "--workers", "1"], outputs=["out"]),
    Command(name="build frames", words=["build", "--root", "root", "--out", "out", "--render", "frames", "--subsets", "S", "--workers", "1"], outputs=["out"]),
    *(
        Command(name=f"export {layout}", words=["export", "--dataset", "data", "--subset", "S", "--layout", layout, "--out", "exported"], outputs=["exported"], refuses=True)
        for layout in ("a2d", "refer-ytvos", "mevis", "locater", "hf", "codabench")
    ),
    Command(name="baseline", words=["baseline", "--model", "oracle", "--dataset", "data", "--out", "out", "--workers", "1"], outputs=["out"]),
    Command(
        name="score",
        words=["score", "predictions", "--dataset", "data", "--resamples", "5", "--json", "scores/s.json", "--html", "scores/s.html", "--csv", "scores/s.csv", "--latex", "scores/s.tex"],
        outputs=["scores"],
    ),
    Command(name="stats", words=["stats", "--dataset", "data", "--figure", "sheet.png"], outputs=["sheet.png"]),
    Command(name="review", words=["review", "--dataset", "reviewed", "--export", "pairs.json"], outputs=["pairs.json"], apart=("reviews.sqlite-wal", "reviews.sqlite-shm", "reviews.sqlite")),
    Command(name="review csv", words=["review", "--dataset", "reviewed", "--export", "pairs.csv"], outputs=["pairs.csv"], apart=("reviews.sqlite-wal", "reviews.sqlite-shm", "reviews.sqlite")),
    Command(name="world", words=["world", "--out", "world", "--split", "test", "--test-videos", "1", "--workers", "1"], outputs=["world"]),
    Command(name="train", words=["train", "--out", "run", *_TRAIN], outputs=["run"], apart=("log", "logs", "events")),
]  # fmt: skip
KILLED = ("build", "baseline", "export a2d", "train")


def prepare(runs: Runs) -> None:
    """Write the inputs, and import what the commands import, so that each run costs its own work alone."""
    import locater.training  # noqa: F401

    work = runs.work
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    paint_root(work / "root")
    for words in (
        ["build", "--root", "root", "--out", "data", "--render", "none", "--workers", "1"],
        ["baseline", "--model", "oracle", "--dataset", "data", "--out", "predictions", "--workers", "1", "--no-score"],
    ):
        ended = runs.run(words)
        assert ended.status == 0, ended.said
    shutil.copytree(work / "data", work / "reviewed")
