"""`a2dsplus verify`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from a2dsplus.cli.options import dataset_option

if TYPE_CHECKING:
    from a2dsplus.compose.verify_frames import ClipState
    from a2dsplus.dataset.workspace import Workspace


@click.command()
@dataset_option
@click.option("--frames", is_flag=True, help="Also decode every clip and compare its frames with the manifest's.")
@click.option("--workers", type=click.IntRange(1), help="Processes for --frames; by default one a processor.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(dataset: Path, frames: bool, workers: int | None, as_json: bool) -> None:
    """Check every file of a dataset against its manifest.

    Prints missing, changed and extra files. Exit status 1 where a file is missing or changed; `a2dsplus build`, run again, mends it.

    With --frames the source clips are decoded: a clip that is shifted by some frames, damaged, or another encoding than the dataset was made
    from is named, with exit status 1. Frames that the manifest does not know yet are written there.
    """
    from a2dsplus.dataset.verify import verify
    from a2dsplus.dataset.workspace import Workspace
    from a2dsplus.errors import ClipError, WorkspaceError, listed
    from a2dsplus.progress import bar

    workspace = Workspace.open(dataset)
    manifest = workspace.manifest() or {"files": {}}
    with bar("hashing", len(manifest["files"]), unit="files") as advance:
        found = verify(workspace, progress=advance)
    clips = _clips(workspace, workers) if frames else []
    wrong = [clip for clip in clips if not clip.is_sound]
    if as_json:
        result: dict[str, object] = {"missing": found.missing, "changed": found.changed, "extra": found.extra}
        if frames:
            rows = {clip.video_id: {"state": clip.state, "shift": clip.shift, "says": clip.says} for clip in clips}
            result["frames"] = rows
        click.echo(json.dumps({"checked": found.checked, **result}, sort_keys=True))
    else:
        for title, names in (("missing", found.missing), ("changed", found.changed), ("extra", found.extra)):
            for name in names:
                click.echo(f"{title}: {name}")
        for clip in wrong:
            click.echo(f"{clip.state}: {clip.says}")
    if not found.is_sound:
        broken = listed([*found.missing, *found.changed], most=3)
        raise WorkspaceError(
            f"{dataset}: {len(found.missing)} files missing, {len(found.changed)} changed ({broken}); run `a2dsplus build` again to mend them"
        )
    if wrong:
        raise ClipError(wrong[0].says + (f" (and {len(wrong) - 1} more clips)" if len(wrong) > 1 else ""))
    if not as_json:
        click.echo(f"{found.checked} files are as the manifest says")
        if frames:
            new = sum(clip.state == "new" for clip in clips)
            noted = f"; {new} were not known before" if new else ""
            click.echo(f"{len(clips) - new} of {len(clips)} clips decode to the manifest's frames{noted}")


def _clips(workspace: "Workspace", workers: int | None) -> "list[ClipState]":
    from a2dsplus.compose.verify_frames import verify_frames
    from a2dsplus.dataset.tables import read_clips
    from a2dsplus.engine import processors
    from a2dsplus.progress import bar

    with bar("decoding", len(read_clips(workspace)), unit="clips") as advance:
        return verify_frames(workspace, workers=workers or processors(), progress=advance)
