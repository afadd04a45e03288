"""`a2dsplus verify`."""

import json
from pathlib import Path

import click

from a2dsplus.cli.options import dataset_option


@click.command()
@dataset_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(dataset: Path, as_json: bool) -> None:
    """Check every file of a dataset against its manifest.

    Prints missing, changed and extra files. Exit status 1 where a file is missing or changed; `a2dsplus build`, run again, mends it.
    """
    from a2dsplus.dataset.verify import verify
    from a2dsplus.dataset.workspace import Workspace
    from a2dsplus.errors import WorkspaceError, listed
    from a2dsplus.progress import bar

    workspace = Workspace.open(dataset)
    manifest = workspace.manifest() or {"files": {}}
    with bar("hashing", len(manifest["files"]), unit="files") as advance:
        found = verify(workspace, progress=advance)
    if as_json:
        lists = {"missing": found.missing, "changed": found.changed, "extra": found.extra}
        click.echo(json.dumps({"checked": found.checked, **lists}, sort_keys=True))
    else:
        for title, names in (("missing", found.missing), ("changed", found.changed), ("extra", found.extra)):
            for name in names:
                click.echo(f"{title}: {name}")
    if not found.is_sound:
        broken = listed([*found.missing, *found.changed], most=3)
        raise WorkspaceError(
            f"{dataset}: {len(found.missing)} files missing, {len(found.changed)} changed ({broken}); run `a2dsplus build` again to mend them"
        )
    if not as_json:
        click.echo(f"{found.checked} files are as the manifest says")
