"""clips.parquet keeps every field of a clip, and what cannot be a clip is one clear line."""

from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest

from a2dsplus.dataset.tables import read_clips, write_clips
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import ClipError, WorkspaceError
from a2dsplus.records import Clip, Coding

_CODING = Coding(
    codec="vp9",
    pixel_format="yuv420p10le",
    stream=1,
    color_range="full",
    matrix="bt709",
    mirrored=True,
    rotation=270,
    start=Fraction(-3, 25),
    discarded=15,
    variable_rate=True,
)


def _clips(root: Path) -> dict[str, Clip]:
    return {
        "a": Clip(
            video_id="a",
            path=root / "clips/a.webm",
            frames=3,
            height=4,
            width=5,
            rate=Fraction(30000, 1001),
            coding=_CODING,
        ),
        "b": Clip(
            video_id="b",
            path=root / "images/b",
            frames=2,
            height=4,
            width=5,
            rate=Fraction(6),
            frame_names=("00005", "00000"),
            coding=Coding(codec="images", rate_assumed=True),
        ),
    }


def test_a_clip_comes_back_as_it_was_written(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "out")
    clips = _clips(tmp_path)
    write_clips(workspace, clips.values(), root=tmp_path)
    assert read_clips(workspace, root=tmp_path) == clips


def test_a_table_of_schema_1_says_so(tmp_path: Path) -> None:
    row = {"video_id": "a", "file": "a.mp4", "frames": 3, "height": 4, "width": 5, "rate": "25/1"}
    pd.DataFrame([row]).to_parquet(tmp_path / "clips.parquet", index=False)
    with pytest.raises(WorkspaceError, match=r"no column path, frame_names, .* older version.*build"):
        read_clips(Workspace(tmp_path), root=tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frames": 0}, "0 frames"),
        ({"frame_names": ("1", "2")}, "2 frame names"),
        ({"frame_names": ("1", "1", "2")}, "2 of them different"),
        ({"frame_names": ("1", "../2", "3")}, "cannot be a file's name"),
        ({"rate": Fraction(0)}, "rate 0"),
    ],
)
def test_what_cannot_be_a_clip_is_refused(change: dict[str, object], words: str) -> None:
    fields: dict[str, object] = {"video_id": "a", "path": Path("a"), "frames": 3, "height": 4, "width": 5}
    with pytest.raises(ClipError, match=words):
        Clip(**{**fields, "rate": Fraction(25), **change})  # type: ignore[arg-type]
