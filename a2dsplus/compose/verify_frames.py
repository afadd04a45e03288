"""Whether the clips still decode to the frames that a dataset was made from, and if not, by how many frames they are shifted, or where they differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from a2dsplus.compose.geometry import panels
from a2dsplus.compose.journal import appending, clip_key
from a2dsplus.dataset import samples_file, tables
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.engine import LocalEngine, nothing
from a2dsplus.errors import InputError, WorkspaceError
from a2dsplus.media.clips import probe
from a2dsplus.media.fingerprint import Fingerprint, fingerprint
from a2dsplus.progress import Advance, unwatched
from a2dsplus.records import Clip, SubsetName

State = Literal["same", "new", "shifted", "other", "unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipState:
    """How a clip's frames compare with those of the dataset. `new`: they were not known. `says`: one line, empty where all is well.

    `shift`: by how many frames the clip shows the same later than the dataset, negative where it is earlier.
    """

    video_id: str
    state: State
    says: str = ""
    shift: int | None = None

    @property
    def is_sound(self) -> bool:
        """Whether the frames are those of the dataset, or were not known before."""
        return self.state in ("same", "new")


def verify_frames(workspace: Workspace, *, workers: int = 1, progress: Advance = unwatched) -> list[ClipState]:
    """Decode every clip that a sample shows and compare its frames with the manifest's; return how each compares, by video id.

    Frames that the manifest does not know are written there, unless the folder cannot be written. `progress` is called with 1 for each
    clip. Raises WorkspaceError where the build has not been finished.
    """
    manifest = workspace.manifest()
    where = workspace.path("manifest.json")
    if manifest is None:
        raise WorkspaceError(f"{where}: missing, the build has not been finished; run `a2dsplus build` again")
    listed = manifest.get("frames", {})
    known = {video: Fingerprint.read(row, where=f"{where}: frames of {video!r:.80}") for video, row in listed.items()}
    clips = tables.read_clips(workspace)
    shown = {video: clips[video] for video in sorted(_shown(workspace)) if video in clips}
    states, new = [], {}
    for clip, found in LocalEngine(workers=workers).run(_read, shown.values(), start=nothing):
        states.append(_compared(clip, known.get(clip.video_id), found))
        if clip.video_id not in known and isinstance(found, Fingerprint):
            new[clip.video_id] = found
        progress(1)
    if new:
        _remember(workspace, manifest, shown, new)
    return states


def _shown(workspace: Workspace) -> set[str]:
    files = [workspace.path(subset, samples_file.NAME) for subset in SubsetName]
    samples = (sample for path in files if path.is_file() for sample in samples_file.read(path))
    return {panel.video_id for sample in samples for panel in panels(sample)}


def _read(_shared: None, clip: Clip) -> tuple[Clip, Fingerprint | str]:
    """Return a clip's fingerprint as the file is now, however long it is, or what is wrong with it."""
    try:
        now = probe(clip.path, video_id=clip.video_id, rate=clip.rate, frame_names=clip.frame_names)
        return clip, fingerprint(now)
    except InputError as error:
        return clip, str(error)


def _compared(clip: Clip, known: Fingerprint | None, found: Fingerprint | str) -> ClipState:
    if isinstance(found, str):
        return ClipState(video_id=clip.video_id, state="unreadable", says=found)
    if known is None:
        return ClipState(video_id=clip.video_id, state="new")
    if known == found:
        return ClipState(video_id=clip.video_id, state="same")
    count, before = found.frames, known.frames
    length = "" if count == before else f" ({count} frames instead of {before})"
    shift = known.shift_to(found)
    if shift is not None:
        frames = f"{abs(shift)} frame{'s' if abs(shift) > 1 else ''} {'later' if shift > 0 else 'earlier'}"
        says = f"{clip.path}: shifted, it shows everything {frames} than the dataset{length}; put back the clip that it was made from"
        return ClipState(video_id=clip.video_id, state="shifted", says=says, shift=shift)
    return ClipState(video_id=clip.video_id, state="other", says=f"{clip.path}: {_unlike(known, found)}{length}")


def _unlike(known: Fingerprint, found: Fingerprint) -> str:
    """Return what differs between two clips that no shift explains, and the step to take."""
    back = "put back the clip that the dataset was made from"
    unlike, of = known.differing(found), min(known.frames, found.frames)
    if not unlike:
        return f"the same frames up to number {of}, and not as many; {back}"
    where = f"frame {unlike[0]}" if len(unlike) == 1 else f"{len(unlike)} of {of} frames, {unlike[0]} to {unlike[-1]},"
    if len(unlike) == of:
        return f"all {of} frames have other pixels than the dataset's: another encoding, or another decoder; {back}, or build again"
    return f"{where} differ{'s' if len(unlike) == 1 else ''} from the dataset's: damaged in a way that the decoder hides; {back}"


def _remember(
    workspace: Workspace, manifest: dict[str, Any], clips: Mapping[str, Clip], new: Mapping[str, Fingerprint]
) -> None:
    frames = {**manifest.get("frames", {}), **{video: found.as_dict() for video, found in new.items()}}
    try:
        with appending(workspace.journal) as append:
            for video, found in new.items():
                append({"clip": video, "stamp": clip_key(clips[video]), "frames": found.as_dict()})
        workspace.write_json("manifest.json", {**manifest, "frames": frames}, indent=1)
    except WorkspaceError:
        # a dataset that cannot be written is checked all the same
        return
