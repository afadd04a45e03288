"""A dataset laid out as other tools of the field read it, so that their loaders run on N, M, S and T unchanged.

A layout is one file here, listed in `EXPORTS`; another package's are found by the entry-point group `a2dsplus.exports`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from a2dsplus.compose.subset import Subset
from a2dsplus.dataset.samples_file import NAME
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.errors import InputError, UsageError, listed
from a2dsplus.export.layout import Layout, Task
from a2dsplus.files import replacing_folder
from a2dsplus.progress import Bars, no_bar
from a2dsplus.records import SubsetName
from a2dsplus.registry import Registry

EXPORTS = Registry(
    what="layout",
    group="a2dsplus.exports",
    built_in={
        "a2d": "a2dsplus.export.a2d:LAYOUT",
        "codabench": "a2dsplus.export.codabench:LAYOUT",
        "hf": "a2dsplus.export.hf:LAYOUT",
        "locater": "a2dsplus.export.locater:LAYOUT",
        "mevis": "a2dsplus.export.mevis:LAYOUT",
        "refer-ytvos": "a2dsplus.export.refer_ytvos:LAYOUT",
    },
)


def export(
    dataset: Path,
    out: Path,
    *,
    layout: str,
    subsets: Sequence[str] | None = None,
    options: Mapping[str, int | bool] | None = None,
    bars: Bars = no_bar,
) -> list[str]:
    """Write subsets of a dataset in another layout into the new folder `out`; return lines that say what is there and how to start what reads it.

    `subsets`: by default all that were composed; most layouts take one. `options`: of the layout. The folder appears when it is whole: a
    killed export is simply run again. Raises UsageError for what the layout does not do, InputError where `out` exists (nothing is
    overwritten), and what reading the dataset raises.
    """
    found = EXPORTS.load(layout)
    if not isinstance(found, Layout):
        raise InputError(f"layout {layout}: {found!r:.80} is no a2dsplus.export.layout.Layout")
    checked = found.checked(layout, options or {})
    workspace = Workspace.open(dataset)
    there = [name for name in SubsetName if workspace.path(name, NAME).is_file()]
    chosen = _chosen(subsets, there, dataset)
    if len(chosen) > 1 and not found.several:
        raise UsageError(f"--layout {layout} takes one subset: pass --subset, one of {listed(chosen)}")
    if out.exists() or out.is_symlink():
        raise InputError(f"{out}: exists already; give a new folder with --out")
    loaded = {name: Subset(dataset, name) for name in chosen}
    samples = sum(len(subset.samples) for subset in loaded.values())
    with replacing_folder(out) as draft, bars("exporting", samples, unit="samples") as advance:
        task = Task(
            dataset=dataset,
            subsets=loaded,
            out=draft,
            target=out,
            manifest=workspace.manifest(needs=("source", "split")) or {},
            options=checked,
            progress=advance,
        )
        unjudged = [name for name in chosen if not task.judged(name)]
        if found.needs_masks and unjudged:
            raise InputError(
                f"{dataset}: {listed(unjudged)} has no ground truth, since the split withholds masks or objects, and --layout {layout} is of no "
                "use without; refer-ytvos, mevis and hf can do without"
            )
        lines = found.write(task)
    return [f"{samples} samples of {', '.join(chosen)} in {out}: {found.reads}", *lines]


def _chosen(subsets: Sequence[str] | None, there: Sequence[SubsetName], dataset: Path) -> list[SubsetName]:
    if not there:
        raise InputError(f"{dataset}: no subset was composed; run `a2dsplus build` to the end")
    if subsets is None:
        return list(there)
    unknown = [name for name in subsets if name not in there]
    if unknown or not subsets:
        raise InputError(f"{dataset}: has no subset {listed(unknown) or '(none named)'}; it has {listed(there)}")
    return [name for name in there if name in subsets]
