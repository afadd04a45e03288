"""Rendered samples on disk: one H.264 mp4 or one folder of images each, made side by side by worker processes.

Which file was made from what is appended to a journal as soon as it is whole: a killed run goes on where it stopped, and a second
run touches only what changed. Bytes do not depend on the number of workers: each file has one decoder and one encoder thread.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import av
import cv2

from a2dsplus.compose.frames import Decode, composed_frames
from a2dsplus.compose.geometry import panels
from a2dsplus.compose.journal import Made, appending, read_journal
from a2dsplus.engine import Engine, nothing
from a2dsplus.errors import ClipError, InputError, WorkspaceError
from a2dsplus.files import digest, inside, replacing, replacing_folder, sha256
from a2dsplus.media.clips import decode, encode, to_rgb
from a2dsplus.media.fingerprint import Fingerprint, FrameHasher, fingerprint
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
    """What a run of `render` left: {relative path: sha256} of every file, how many were made now, and what failed.

    `frames`: {video id: fingerprint} of the clips shown that are known from their first frame to their last.
    """

    files: dict[str, str] = field(default_factory=dict)
    made: int = 0
    failed: list[LeftOut] = field(default_factory=list)
    frames: dict[str, Fingerprint] = field(default_factory=dict)


def render(
    root: Path,
    samples: Sequence[Sample],
    clips: Mapping[str, Clip],
    *,
    rendering: Rendering,
    journal: Path,
    others: Sequence[Path] = (),
    stamps: Mapping[str, str],
    engine: Engine,
    progress: Advance = unwatched,
) -> Rendered:
    """Write the files of samples below `root` that are missing or were made from something else.

    `journal`: where what is finished is written down; `others`: what other runs, such as shards, wrote down. `stamps`: a key a video that changes with its clip. `progress` is called with the number of samples just finished. A sample
    whose clip cannot be decoded is listed as failed and leaves no file. Each clip is read whole once, with one of its samples where that
    shows its last frame, for its fingerprint. Raises WorkspaceError where the disk is full.
    """
    known = read_journal(*others, journal)
    shown = {panel.video_id for sample in samples for panel in panels(sample)}
    result = Rendered(
        frames={video: found for video in sorted(shown) if (found := known.frames_of(video, stamps[video])) is not None}
    )
    if rendering.form == "none":
        return result
    missing: list[tuple[Sample, str]] = []
    for sample in samples:
        key = _key(sample, rendering, stamps)
        made = known.files.get((rendering.target(sample), key))
        if made is not None and _unchanged(root, made):
            result.files.update({name: sha for name, (sha, _, _) in made.items()})
            progress(1)
        else:
            missing.append((sample, key))
    jobs = _jobs(missing, clips, shown - result.frames.keys())
    with appending(journal) as append:
        work = partial(_one, root, rendering)
        for done in engine.run(work, jobs, start=nothing, in_order=False):
            for video, own in done.frames.items():
                append({"clip": video, "stamp": stamps[video], "frames": own.as_dict()})
            result.frames.update(done.frames)
            if done.error is not None:
                result.failed.append(LeftOut(item=f"{done.sample.subset}/{done.sample.sample_id}", reason=done.error))
            else:
                append({"target": rendering.target(done.sample), "key": done.key, "files": done.files})
                result.files.update({name: sha for name, (sha, _, _) in done.files.items()})
                result.made += 1
            progress(1)
        unread = [clips[video] for video in sorted(shown - result.frames.keys())]
        for clip, found in engine.run(_read, unread, start=nothing):
            if found is not None:
                append({"clip": clip.video_id, "stamp": stamps[clip.video_id], "frames": found.as_dict()})
                result.frames[clip.video_id] = found
    result.failed.sort(key=lambda row: row.item)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A sample to render, its clips, and which of them are to be read whole."""

    sample: Sample
    key: str
    clips: dict[str, Clip]
    whole: frozenset[str]


@dataclass(slots=True, kw_only=True)
class _Done:
    """What came of a job: its sample's files, or why there are none, and the fingerprints of the clips that were read whole."""

    sample: Sample
    key: str
    files: Made = field(default_factory=dict)
    error: str | None = None
    frames: dict[str, Fingerprint] = field(default_factory=dict)


def _jobs(missing: Sequence[tuple[Sample, str]], clips: Mapping[str, Clip], unread: set[str]) -> list[_Job]:
    """Return the jobs, the longest first: the pool's last minutes are not spent waiting for one long clip.

    Each video of `unread` is read whole with the first sample that shows its last frame.
    """
    ordered = sorted(
        missing, key=lambda job: (-job[0].frames * job[0].width * job[0].height, job[0].subset, job[0].sample_id)
    )
    jobs = []
    for sample, key in ordered:
        own = {panel.video_id: clips[panel.video_id] for panel in panels(sample)}
        to_the_end = {p.video_id for p in panels(sample) if own[p.video_id].frames - 1 in (p.indices[0], p.indices[-1])}
        jobs.append(_Job(sample=sample, key=key, clips=own, whole=frozenset(unread & to_the_end)))
        unread = unread - to_the_end
    return jobs


def _one(root: Path, rendering: Rendering, _shared: None, job: _Job) -> _Done:
    """Write a sample's files. Errors of the input are returned; the first failure of the disk ends the run."""
    done = _Done(sample=job.sample, key=job.key)
    hashers: dict[str, FrameHasher] = {}

    def decoded(clip: Clip, wanted: Sequence[int]) -> Iterator[av.VideoFrame]:
        hasher = FrameHasher() if clip.video_id in job.whole and clip.video_id not in hashers else None
        if hasher is not None:
            hashers[clip.video_id] = hasher
        return decode(clip, wanted, seen=hasher)

    target = inside(root, rendering.target(job.sample))
    try:
        if rendering.form == "video":
            write_video(target, job.sample, job.clips, decode=decoded)
        else:
            write_images(target, job.sample, job.clips, rendering, decode=decoded)
        done.files = {name: _state(root / name) for name in rendering.files(job.sample)}
    except WorkspaceError:
        raise
    except InputError as error:
        done.error = str(error)
    for video, hasher in hashers.items():
        if hasher.frames == job.clips[video].frames:
            done.frames[video] = hasher.fingerprint()
    return done


def _read(_shared: None, clip: Clip) -> tuple[Clip, Fingerprint | None]:
    """Return a clip's fingerprint, None where it is damaged behind the frames that are shown of it."""
    try:
        return clip, fingerprint(clip)
    except ClipError:
        return clip, None


def write_video(target: Path, sample: Sample, clips: Mapping[str, Clip], *, decode: Decode = decode) -> None:
    """Write a sample's mp4, whole or not at all; raises ClipError for a broken clip, WorkspaceError for a full disk."""
    with replacing(target) as draft:
        encode(
            draft,
            composed_frames(sample, clips, decode=decode),
            height=sample.height,
            width=sample.width,
            rate=clips[sample.video_id].rate,
        )


def write_images(
    target: Path,
    sample: Sample,
    clips: Mapping[str, Clip],
    rendering: Rendering,
    *,
    names: Sequence[str] | None = None,
    decode: Decode = decode,
) -> None:
    """Write a folder of images, whole or not at all; raises as `write_video`. `names`: of the frames, by default their numbers from 00001."""
    options = [cv2.IMWRITE_JPEG_QUALITY, rendering.quality] if rendering.image == "jpg" else []
    with replacing_folder(target) as draft:
        for frame, image in enumerate(composed_frames(sample, clips, decode=decode), 1):
            bgr = cv2.cvtColor(to_rgb(image), cv2.COLOR_RGB2BGR)
            written, data = cv2.imencode(f".{rendering.image}", bgr, options)
            if not written:
                raise WorkspaceError(
                    f"{target}: frame {frame} cannot be encoded as {rendering.image}; choose another format"
                )
            name = f"{frame:05d}" if names is None else names[frame - 1]
            (draft / f"{name}.{rendering.image}").write_bytes(data.tobytes())


def _key(sample: Sample, rendering: Rendering, stamps: Mapping[str, str]) -> str:
    shape = (sample.height, sample.width, sample.frames, sample.layout, sample.order, sample.kind)
    how = (rendering.form, rendering.image, rendering.quality if rendering.form == "frames" else None)
    shown = [(panel.video_id, stamps[panel.video_id]) for panel in panels(sample)]
    return digest(_RECIPE, shape, shown, how)


def _state(path: Path) -> tuple[str, int, int]:
    state = path.stat()
    return sha256(path), state.st_size, state.st_mtime_ns


def _unchanged(root: Path, made: Made) -> bool:
    for name, (sha, size, changed) in made.items():
        try:
            state = (root / name).stat()
            # another machine of a shared file system may tell another time: the content decides
            if state.st_size != size or (state.st_mtime_ns != changed and sha256(root / name) != sha):
                return False
        except OSError:
            return False
    return True
