"""Re-check every file of a dataset against its manifest: missing, changed, extra."""

from collections.abc import Callable
from dataclasses import dataclass

from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import WorkspaceError
from a2dsplus.files import inside, sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The relative paths of files that the manifest lists and are not there, that differ from it, and that it does not list."""

    checked: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether every listed file is there, as it was made."""
        return not self.missing and not self.changed


def verify(workspace: Workspace, *, progress: Callable[[int], None] = lambda _: None) -> Verification:
    """Return how a dataset's files compare with its manifest; `progress` is called with 1 for each file read.

    Raises WorkspaceError where there is no manifest: the build has not been finished.
    """
    manifest = workspace.manifest()
    if manifest is None:
        raise WorkspaceError(
            f"{workspace.path('manifest.json')}: missing, the build has not been finished; run `a2dsplus build` again"
        )
    listed: dict[str, str] = manifest["files"]
    missing, changed = [], []
    for name, sha in sorted(listed.items()):
        path = inside(workspace.root, name)  # a manifest may come from anybody
        if not path.is_file():
            missing.append(name)
        elif sha256(path) != sha:
            changed.append(name)
        progress(1)
    extra = sorted(set(workspace.files()) - set(listed))
    return Verification(checked=len(listed), missing=tuple(missing), changed=tuple(changed), extra=tuple(extra))
