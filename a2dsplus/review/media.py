"""What the page plays and draws: clips that a browser can decode, outlines of masks, composed previews.

No path ever comes from a request: a video id is looked up in the dataset, and only what is found there is opened.
"""

import threading
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

import numpy as np
from PIL import Image

from a2dsplus.compose import geometry as compose
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import ClipError
from a2dsplus.files import digest, replacing
from a2dsplus.media import containers
from a2dsplus.media.clips import decode as decode_clip
from a2dsplus.media.clips import stamp, to_rgb
from a2dsplus.media.masks import Rle, decode
from a2dsplus.records import Clip, Query, Sample, SubsetName
from a2dsplus.review.catalogue import Catalogue
from a2dsplus.review.index import Caption

# what every browser of today decodes, by container (Matroska counts as WebM only with these)
_PLAYABLE = {
    "mov,mp4,m4a,3gp,3g2,mj2": {"h264", "av1", "vp9"},
    "matroska,webm": {"vp8", "vp9", "av1"},
}
_TYPES = {".webm": "video/webm"}
_HIGH = 720
_PRESET, _CRF = "veryfast", 20
STRIP_HEIGHT = 96
"""Of the film strip, in pixels."""


class Outline(TypedDict):
    """A mask's outline: an SVG path in pixels of the clip, and the box [x, y, width, height] around it."""

    path: str
    box: list[float]


def outline(rle: Rle) -> Outline | None:
    """Return a mask's outline, None where it has no pixel. Pixel (x, y) covers [x, x + 1) by [y, y + 1)."""
    import cv2

    mask = np.pad(decode(rle).astype(np.uint8), 1)
    if not mask.any():
        return None
    # doubled, so that the contour runs half a pixel outside the outermost pixels' centres instead of through them
    contours, _ = cv2.findContours(np.kron(mask, np.ones((2, 2), np.uint8)), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    parts = []
    for contour in contours:
        points = cv2.approxPolyDP(contour, 1.2, closed=True)[:, 0, :] / 2 - 0.75
        parts.append("M" + "L".join(f"{x:g} {y:g}" for x, y in points.tolist()) + "Z")
    rows, columns = np.flatnonzero(mask.any(1)) - 1, np.flatnonzero(mask.any(0)) - 1
    left, top = int(columns[0]), int(rows[0])
    return Outline(path="".join(parts), box=[left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top])


class Media:
    """The clips, outlines and previews of a dataset. Safe to use from several threads."""

    def __init__(self, workspace: Workspace, catalogue: Catalogue) -> None:
        self.index = catalogue.index
        self.cache = workspace.path(".a2dsplus", "preview")
        self._playable: dict[str, Path] = {}
        # one encoder at a time: a page that asks for many previews must not stop the others
        self._encoding = threading.Lock()
        self.outlines = lru_cache(maxsize=128)(self._outlines)
        self.times = lru_cache(maxsize=1024)(self._times)

    def clip(self, video_id: str) -> Clip:
        """Return a video's clip. Raises ClipError where the dataset has no such video or its file is gone."""
        clip = self.index.clip(video_id)
        # a link that leads out of the source's folder is not followed
        if clip is None or not clip.path.resolve().is_relative_to(self.index.root):
            raise ClipError(f"video {video_id!r} is not in this dataset")
        if not clip.path.exists():
            raise ClipError(f"{clip.path.name}: the clip of video {video_id} is not there any more; put it back")
        return clip

    def playable(self, video_id: str) -> Path:
        """Return a file with a video's frames that a browser plays: the clip itself, or a copy encoded once. Raises ClipError."""
        clip = self.clip(video_id)
        found = self._playable.get(video_id)
        if found is None or not found.is_file():
            found = self._playable[video_id] = clip.path if _browser_plays(clip) else self._copy(clip)
        return found

    def version(self, video_id: str) -> str:
        """Return a key that changes with a video's file: part of its address, so that a browser may keep it for good."""
        return stamp(self.clip(video_id))[:32]

    def media_type(self, path: Path) -> str:
        """Return a playable file's media type."""
        return _TYPES.get(path.suffix.lower(), "video/mp4")

    def preview(self, subset: SubsetName, query: Caption, contrast: Caption) -> Path:
        """Return the composed S or T sample of a pair as an mp4, encoded where it is not in the cache. Raises ClipError."""
        clips = {video: self.clip(video) for video in {query.video_id, contrast.video_id}}
        order = self.index.order(query.query_id, subset)
        versions = [self.version(query.video_id), self.version(contrast.video_id)]
        key = digest(2, subset, query.video_id, contrast.video_id, order, versions)

        def sample() -> Sample:
            return compose.composite(
                subset,
                _query(query),
                [_query(contrast)],
                clips=clips,
                masks_of=self.index.masks,
                order=order,
            )

        return self._encoded(key, sample, clips, rate=clips[query.video_id].rate)

    def strip(self, video_id: str) -> Path:
        """Return a video's annotated frames side by side in frame order, each STRIP_HEIGHT high, as a JPEG. Raises ClipError."""
        clip = self.clip(video_id)
        frames = sorted(self.index.masks(video_id))
        if not frames:
            raise ClipError(f"video {video_id!r} has no annotated frame")
        target = self.cache / f"{digest(1, 'strip', video_id, self.version(video_id), frames)[:40]}.jpg"
        if not target.is_file():
            wanted = [frame - 1 for frame in frames]
            pictures = [Image.fromarray(to_rgb(frame)) for frame in decode_clip(clip, wanted)]
            width = max(1, round(clip.width * STRIP_HEIGHT / clip.height))
            strip = Image.new("RGB", (width * len(frames), STRIP_HEIGHT))
            for place, picture in enumerate(pictures):
                strip.paste(picture.resize((width, STRIP_HEIGHT)), (place * width, 0))
            with replacing(target) as partial:
                strip.save(partial, "JPEG", quality=80)
        return target

    def _outlines(self, video_id: str) -> dict[str, dict[str, Outline]]:
        """Return {frame: {object: outline}} of a video's annotated frames."""
        found: dict[str, dict[str, Outline]] = {}
        for frame, objects in self.index.masks(video_id).items():
            drawn = {name: outline(rle) for name, rle in objects.items()}
            found[str(frame)] = {name: line for name, line in drawn.items() if line is not None}
        return found

    def _times(self, video_id: str) -> list[float] | None:
        """Return when each frame is presented, in seconds from the first; None where that follows from the rate."""
        clip = self.clip(video_id)
        # our own copies have a constant rate
        if not clip.coding.variable_rate or self.playable(video_id) != clip.path:
            return None
        times = containers.presented(clip)
        return [round(float(time), 5) for time in times] if len(times) == clip.frames else None

    def _copy(self, clip: Clip) -> Path:
        """Return a browser's copy of a clip: the same frames as H.264, of even size."""
        key = digest(2, "clip", clip.video_id, self.version(clip.video_id))
        clips = {clip.video_id: clip}
        return self._encoded(
            key, lambda: compose.whole(SubsetName.N, clip.video_id, [], clip, None), clips, rate=clip.rate
        )

    def _encoded(self, key: str, sample: Callable[[], Sample], clips: Mapping[str, Clip], *, rate: Fraction) -> Path:
        """Return the cache's mp4 of a key, encoded from `sample()` where it is not there yet."""
        from a2dsplus.compose.frames import composed_frames
        from a2dsplus.media.clips import encode

        target = self.cache / f"{key[:40]}.mp4"
        with self._encoding:
            if not target.is_file():
                made = sample()
                frames = composed_frames(made, clips)
                with replacing(target) as partial:
                    encode(partial, frames, height=made.height, width=made.width, rate=rate, preset=_PRESET, crf=_CRF)
        return target


def _query(caption: Caption) -> Query:
    return Query(
        video_id=caption.video_id, expression_id=caption.expression_id, objects=None, text=caption.text, split=""
    )


def _browser_plays(clip: Clip) -> bool:
    """Return whether every browser shows a clip's file as we do: frame for frame, upright, in the same colours, from time 0 on."""
    import av

    coding = clip.coding
    told = coding.matrix == "bt601" or clip.height < _HIGH  # above, browsers take what is not said for BT.709
    if not (
        coding.color_range in ("limited", "unspecified")
        and not (coding.stream or coding.start or coding.discarded)
        and coding.matrix in ("bt601", "unspecified")
        and told
        and not coding.mirrored
        and not coding.rotation
        and coding.pixel_format == "yuv420p"
        and (clip.height % 2, clip.width % 2) == (0, 0)
    ):
        return False
    try:
        with av.open(f"file:{clip.path.absolute()}", metadata_errors="replace") as container:
            return coding.codec in _PLAYABLE.get(container.format.name, ())
    except (av.error.FFmpegError, OSError) as error:
        raise ClipError(f"{clip.path.name}: cannot be read as a video; download the clip again") from error
