"""Rendered samples on disk: one H.264 mp4 or one folder of images each, made side by side by worker processes.

Which file was made from what is appended to a journal as soon as it is whole: a killed run goes on where it stopped, and a second
run touches only what changed. Bytes do not depend on the number of workers: each file has one decoder and one encoder thread.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import cv2

from a2dsplus.compose.frames import composed_frames
from a2dsplus.compose.geometry import panels
from a2dsplus.engine import LocalEngine, nothing
from a2dsplus.errors import InputError, WorkspaceError
from a2dsplus.files import digest, inside, replacing, replacing_folder, sha256, unwritable
from a2dsplus.media.clips import encode, to_rgb
from a2dsplus.progress import Advance, unwatched
from a2dsplus.records import Clip, Sample
from a2dsplus.sources import LeftOut

Form = Literal["video", "frames", "none"]
# a change here changes every rendered file: raise it with the composition or the encoder settings
_RECIPE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """How samples become files: `video` (mp4), `frames` (images) or `none`; `quality` 1-100 of JPEG; `image` the format of frames."""

    form: Form = "video"
    image: Literal["jpg", "png"] = "jpg"
    quality: int = 95

    def target(self, sample: Sample) -> str:
        """Return the sample's mp4, or its folder of images, as a relative POSIX path."""
        if self.form == "video":
            return f"{sample.subset}/videos/{sample.sample_id}.mp4"
        return f"{sample.subset}/{'JPEGImages' if self.image == 'jpg' else 'PNGImages'}/{sample.sample_id}"

    def files(self, sample: Sample) -> list[str]:
        """Return the sample's files as relative POSIX paths."""
        if self.form == "none":
            return []
        if self.form == "video":
            return [self.target(sample)]
        return [f"{self.target(sample)}/{frame:05d}.{self.image}" for frame in range(1, sample.frames + 1)]


@dataclass(slots=True, kw_only=True)
class Rendered:
    """What a run of `render` left: {relative path: sha256} of every file, how many were made now, and what failed."""

    files: dict[str, str]
    made: int
    failed: list[LeftOut]


def render(
    root: Path,
    samples: Sequence[Sample],
    clips: Mapping[str, Clip],
    *,
    rendering: Rendering,
    journal: Path,
    stamps: Mapping[str, str],
    workers: int,
    progress: Advance = unwatched,
) -> Rendered:
    """Write the files of samples below `root` that are missing or were made from something else.

    `stamps`: a key a video that changes with its clip. `progress` is called with the number of samples just finished. A sample
    whose clip cannot be decoded is listed as failed and leaves no file. Raises WorkspaceError where the disk is full.
    """
    if rendering.form == "none":
        return Rendered(files={}, made=0, failed=[])
    known = _read_journal(journal)
    files: dict[str, str] = {}
    missing: list[tuple[Sample, str]] = []
    for sample in samples:
        key = _key(sample, rendering, stamps)
        entry = known.get(rendering.target(sample))
        if entry is not None and entry[0] == key and _unchanged(root, entry[1]):
            files.update({name: sha for name, (sha, _, _) in entry[1].items()})
            progress(1)
        else:
            missing.append((sample, key))
    failed: list[LeftOut] = []
    with _appending(journal) as append:
        for sample, key, made, error in _work(root, missing, clips, rendering, workers):
            if error is not None:
                failed.append(LeftOut(item=f"{sample.subset}/{sample.sample_id}", reason=error))
            else:
                append({"target": rendering.target(sample), "key": key, "files": made})
                files.update({name: sha for name, (sha, _, _) in made.items()})
            progress(1)
    return Rendered(files=files, made=len(missing) - len(failed), failed=sorted(failed, key=lambda row: row.item))


# {file: (sha256, size in bytes, time of change in ns)}
_Made = dict[str, tuple[str, int, int]]
_Result = tuple[Sample, str, _Made, str | None]


def _work(
    root: Path, missing: Sequence[tuple[Sample, str]], clips: Mapping[str, Clip], rendering: Rendering, workers: int
) -> Iterator[_Result]:
    """Yield results as they come. Workers return errors of the input; the first failure of the disk ends the run."""
    # the longest first: the pool's last minutes are not spent waiting for one long clip
    jobs = sorted(
        missing, key=lambda job: (-job[0].frames * job[0].width * job[0].height, job[0].subset, job[0].sample_id)
    )
    items = ((sample, key, _needed(sample, clips)) for sample, key in jobs)
    work = partial(_one, root, rendering)
    yield from LocalEngine(workers=workers).run(work, items, start=nothing, in_order=False)


def _needed(sample: Sample, clips: Mapping[str, Clip]) -> dict[str, Clip]:
    return {video: clips[video] for video in sorted({panel.video_id for panel in panels(sample)})}


def _one(root: Path, rendering: Rendering, _shared: None, job: tuple[Sample, str, dict[str, Clip]]) -> _Result:
    sample, key, clips = job
    target = inside(root, rendering.target(sample))
    try:
        if rendering.form == "video":
            write_video(target, sample, clips)
        else:
            write_images(target, sample, clips, rendering)
    except WorkspaceError:
        raise
    except InputError as error:
        return sample, key, {}, str(error)
    return sample, key, {name: _state(root / name) for name in rendering.files(sample)}, None


def write_video(target: Path, sample: Sample, clips: Mapping[str, Clip]) -> None:
    """Write a sample's mp4, whole or not at all; raises ClipError for a broken clip, WorkspaceError for a full disk."""
    with replacing(target) as draft:
        encode(
            draft,
            composed_frames(sample, clips),
            height=sample.height,
            width=sample.width,
            rate=clips[sample.video_id].rate,
        )


def write_images(target: Path, sample: Sample, clips: Mapping[str, Clip], rendering: Rendering) -> None:
    """Write a folder of images, whole or not at all; raises as `write_video`."""
    options = [cv2.IMWRITE_JPEG_QUALITY, rendering.quality] if rendering.image == "jpg" else []
    with replacing_folder(target) as draft:
        for frame, image in enumerate(composed_frames(sample, clips), 1):
            bgr = cv2.cvtColor(to_rgb(image), cv2.COLOR_RGB2BGR)
            written, data = cv2.imencode(f".{rendering.image}", bgr, options)
            if not written:
                raise WorkspaceError(
                    f"{target}: frame {frame} cannot be encoded as {rendering.image}; choose another format"
                )
            (draft / f"{frame:05d}.{rendering.image}").write_bytes(data.tobytes())


def _key(sample: Sample, rendering: Rendering, stamps: Mapping[str, str]) -> str:
    shape = (sample.height, sample.width, sample.frames, sample.layout, sample.order, sample.kind)
    how = (rendering.form, rendering.image, rendering.quality if rendering.form == "frames" else None)
    shown = [(panel.video_id, stamps[panel.video_id]) for panel in panels(sample)]
    return digest(_RECIPE, shape, shown, how)


def _state(path: Path) -> tuple[str, int, int]:
    state = path.stat()
    return sha256(path), state.st_size, state.st_mtime_ns


def _unchanged(root: Path, made: _Made) -> bool:
    for name, (_, size, changed) in made.items():
        try:
            state = (root / name).stat()
        except OSError:
            return False
        if (state.st_size, state.st_mtime_ns) != (size, changed):
            return False
    return True


def _read_journal(path: Path) -> dict[str, tuple[str, _Made]]:
    """Return {target: its key and files, of its last entry}; a line torn by a kill is as if it had not been written."""
    found = {}
    try:
        lines: Iterable[str] = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    for line in lines:
        try:
            row = json.loads(line)
            found[row["target"]] = row["key"], {name: (sha, size, at) for name, (sha, size, at) in row["files"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return found


@contextmanager
def _appending(path: Path) -> Iterator[Callable[[dict[str, object]], None]]:
    """Give a function that appends one object to a JSON-lines file and flushes it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torn = path.is_file() and not path.read_bytes().endswith(b"\n")
        with path.open("a", encoding="utf-8") as file:

            def append(row: dict[str, object]) -> None:
                file.write(json.dumps(row) + "\n")
                file.flush()

            if torn:
                file.write("\n")
            yield append
    except OSError as error:
        raise unwritable(path, error) from error
