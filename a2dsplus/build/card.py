"""The dataset card: README.md and croissant.json of a built folder, so that people and loaders take it for what it is."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from a2dsplus.build.croissant import croissant
from a2dsplus.dataset import expressions_file
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.records import SubsetName

README, CROISSANT = "README.md", "croissant.json"
_MEANS = {
    SubsetName.N: "the source's split as it is, every video with its expressions",
    SubsetName.M: "the videos with two or more described objects, with all their expressions",
    SubsetName.S: "a contrast clip beside the query's clip",
    SubsetName.T: "a contrast clip before or after the query's clip; on its frames the right mask is empty",
}


def write_card(workspace: Workspace, manifest: Mapping[str, Any]) -> None:
    """Write README.md and croissant.json of a folder whose subsets are composed. `manifest`: what manifest.json will say, without the files.

    The front matter has a configuration a subset that has samples, with the one split `test`. No date and no place: the same bytes anywhere.
    """
    subsets = [
        subset
        for subset in SubsetName
        if subset in manifest["counts"] and workspace.path(subset, expressions_file.NAME).stat().st_size
    ]
    source = manifest["source"]["name"]
    name = f"A2D-S+ of {source}, {manifest['split']}"
    described = "; ".join(f"{subset}: {_MEANS[subset]}" for subset in subsets)
    description = (
        f"The benchmark A2D-S+ (Liang et al., LOCATER, TPAMI 2023) constructed from {source}, split {manifest['split']}, by a2dsplus, an"
        f" independent implementation of its text. {described}."
    )
    workspace.write_text(README, _readme(subsets, manifest, name=name))
    document = croissant(workspace, subsets, manifest, name=name, description=description)
    workspace.write_json(CROISSANT, document, indent=1)


def _readme(subsets: Sequence[SubsetName], manifest: Mapping[str, Any], *, name: str) -> str:
    source, counts, options = manifest["source"]["name"], manifest["counts"], manifest["options"]
    front = ["---", f"pretty_name: {json.dumps(name)}", "configs:" if subsets else "configs: []"]
    for subset in subsets:
        front += [
            f"- config_name: {subset}",
            "  data_files:",
            "  - split: test",
            f"    path: {subset}/{expressions_file.NAME}",
        ]
    rows = [f"| {s} | {_MEANS[s]} | {counts[s]['videos']} | {counts[s]['queries']} |" for s in subsets]
    first = subsets[-1] if subsets else SubsetName.S
    contrast = {"other": "another clip", "frozen": "the query's own clip, held", "reversed": "the query's own clip backwards"}  # fmt: skip
    media = {
        "video": "`<subset>/videos/<sample_id>.mp4`",
        "frames": "`<subset>/JPEGImages/<sample_id>/<frame>`, frames from 00001 (PNGImages where lossless)",
        "none": 'not here: `a2dsplus.Subset(folder, "S")` composes them from the source\'s clips, `a2dsplus build --render video` writes them',
    }
    masks = (
        "`<subset>/ground_truth.json` in COCO's form, keys `<sample_id>/<frame>/<expression>`"
        if counts["units"]
        else "the split withholds them, so there is no ground truth"
    )
    described = {**expressions_file.COLUMNS, **{f"{k} (S, T)": v for k, v in expressions_file.OF_COMPOSITES.items()}}
    lines = [
        *front,
        "---",
        "",
        f"# {name}",
        "",
        "Hard negatives for language-guided video segmentation (Liang et al., *LOCATER*, TPAMI 2023), constructed by `a2dsplus`, an independent",
        "implementation of the paper's text. The pairs of the paper were never published: numbers compare where recipe, seed and pairs are the same.",
        "",
        "| configuration | is | samples | expressions |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
        f"Made from {source}, split {manifest['split']} (content {manifest['source']['fingerprint'][:12]}), recipe {manifest['recipe']}, order {options['order']},"
        f" seed {manifest['seed']}, contrasts a sample {manifest['contrasts']}, each {contrast[manifest['kind']]};"
        f" pairs {options['pairs_list'] or ('a file' if options['pairs'] else 'drawn')}. manifest.json has all of it.",
        "",
        "```python",
        "import datasets",
        "",
        f'rows = datasets.load_dataset("FOLDER", "{first}", split="test")  # one row a (sample, expression)',
        "```",
        "",
        "| column | is |",
        "| --- | --- |",
        *(f"| {column} | {what} |" for column, what in described.items()),
        "",
        f"Clips: {media[options['render']]}. Masks: {masks}.",
        "",
        "Score masks with `a2dsplus score PREDICTIONS --dataset FOLDER`, which prints beside them what reading no expression scores.",
        "",
        "## Mind",
        "",
        "- Whether a contrast clip holds a second right answer is decided from captions; actors that nobody described are not known.",
        "- Silence scores about half on T, and position alone more than published models on S and T in the paper's order.",
        f"- Clips, captions and masks are those of {source}, under its terms: ask its authors before you pass this folder on.",
    ]
    return "\n".join(lines) + "\n"
