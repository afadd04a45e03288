"""Whether ground truth and predictions belong together: content hashes against the dataset's manifest and the predictions' own."""

import json
from pathlib import Path
from typing import Any

from a2dsplus.errors import InputError, PredictionError
from a2dsplus.files import sha256, write_json
from a2dsplus.score.readers.listing import read_bytes

# Beside a model's masks: {"ground_truth": {"<subset>": sha256 of its ground_truth.json}}, so that they cannot be scored on other data.
STAMP = "manifest.json"


def stamp_predictions(folder: Path, dataset: Path, *, subsets: list[str], **notes: object) -> None:
    """Write into a predictions folder which ground truth and recipe it was made for, and any notes (model, checkpoint) beside."""
    content = {
        "schema": 1,
        "ground_truth": {subset: truth_sha256(dataset / subset / "ground_truth.json") for subset in subsets},
        **({} if (recipe := made_how(dataset)[0]) is None else {"recipe": recipe}),
        **notes,
    }
    write_json(folder / STAMP, content, indent=1)


def check_ground_truth(dataset: Path, subset: str, file: Path) -> str:
    """Return the sha256 of a subset's ground truth; raises InputError where the dataset's manifest has another."""
    return _checked(file, dataset, f"{subset}/ground_truth.json")


def check_file(dataset: Path, name: str) -> None:
    """Raise InputError where a file of a dataset is not the one that its manifest describes; a dataset without manifest has any."""
    _checked(dataset / name, dataset, name)


def _checked(file: Path, dataset: Path, name: str) -> str:
    found = truth_sha256(file)
    files = _read(dataset / "manifest.json").get("files")
    expected = files.get(name) if isinstance(files, dict) else None
    if isinstance(expected, dict):
        expected = expected.get("sha256")
    if expected is not None and expected != found:
        raise InputError(f"{file}: is not the file that manifest.json describes; build the dataset again")
    return found


def made_how(dataset: Path) -> tuple[str | None, str | None]:
    """Return a dataset's recipe and the name of the published list of pairs that it is of, None where its manifest does not tell."""
    manifest = _read(dataset / "manifest.json")
    options = manifest.get("options")
    pairs = options.get("pairs_list") if isinstance(options, dict) else None
    recipe = manifest.get("recipe")
    return (recipe if isinstance(recipe, str) else None), (pairs if isinstance(pairs, str) else None)


def check_predictions(predictions: Path, dataset: Path, subset: str, ground_truth: str) -> None:
    """Raise PredictionError where a predictions folder says that it was made for other ground truth."""
    if not predictions.is_dir():
        return
    stamp = _read(predictions / STAMP)
    made_for, recipe = stamp.get("ground_truth"), stamp.get("recipe")
    expected = made_for.get(subset) if isinstance(made_for, dict) else None
    if expected is not None and expected != ground_truth:
        here = made_how(dataset)[0]
        other = (
            f"they are for recipe {recipe}, {dataset} is recipe {here}"
            if isinstance(recipe, str) and recipe != here
            else ""
        )
        raise PredictionError(
            f"{predictions / STAMP}: these predictions were made for another {subset} ({other or 'the sha256 of its ground truth differs'}); "
            "run the model on this dataset, or pass the dataset they were made for with --dataset"
        )


def model_of(predictions: Path) -> str | None:
    """Return the name of the model whose predictions a folder says that it holds, or None."""
    name = _read(predictions / STAMP).get("model") if predictions.is_dir() else None
    return name if isinstance(name, str) else None


def truth_sha256(file: Path) -> str:
    """Return the sha256 of a ground truth in hexadecimal; raises InputError where it cannot be read."""
    try:
        return sha256(file)
    except OSError as error:
        raise InputError(
            f"{file}: cannot be read ({error.strerror}); make the dataset with `a2dsplus build`, or pass --dataset"
        ) from None


def _read(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        document = json.loads(read_bytes(file))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file}: damaged ({error}); write it again or remove it") from None
    return document if isinstance(document, dict) else {}
