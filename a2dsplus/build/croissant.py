"""croissant.json: a dataset folder described for machines, in Croissant 1.0 with the responsible-AI fields."""

from collections.abc import Mapping, Sequence
from typing import Any

from a2dsplus.dataset import expressions_file
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.files import sha256

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(
    workspace: Workspace, subsets: Sequence[str], manifest: Mapping[str, Any], *, name: str, description: str
) -> dict[str, Any]:
    """Return the document: a file and a record set a subset, its rows those of expressions.jsonl. `manifest`: what the build is of."""
    source = manifest["source"]["name"]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": name,
        "description": description,
        "version": manifest["tool"]["version"],
        "isLiveDataset": False,
        "keywords": ["referring video object segmentation", "language-guided video segmentation", "hard negatives"],
        "rai:dataCollection": (
            f"Clips, captions and masks are those of {source}; nothing was collected anew. Composites were made from them by program."
        ),
        "rai:dataCollectionType": ["Secondary data analysis", "Software collection"],
        "rai:dataAnnotationProtocol": (
            f"Captions and masks were drawn by the annotators of {source}. That a contrast clip holds no second right answer was decided from"
            " captions by rules; reviewers' verdicts count where there are any (`counts` of manifest.json, `status` of pairs.parquet)."
        ),
        "rai:dataPreprocessingProtocol": [
            "Captions were parsed into semantic roles; contrast clips were drawn by seed among those that share some of the roles, not all.",
            "Contrast clips were scaled to the query clip's height (S) or size (T); masks with them.",
        ],
        "rai:dataUseCases": [
            "Evaluation of language-guided video segmentation against hard negatives. Not for training on the test split, and not for"
            " identifying or judging persons."
        ],
        "rai:dataLimitations": [
            "Actors that no caption describes are not known: a contrast clip may hold a second right answer that nobody wrote down.",
            "Position and silence alone score high on S and T in the paper's order; compare with the blind rows.",
        ],
        "rai:dataBiases": [f"Those of {source}: its actors, actions and the wording of its annotators are not a sample of the world's."],
        "rai:personalSensitiveInformation": [
            f"Clips of {source} may show persons; names or other personal data are not recorded here."
        ],
        "distribution": [_file(workspace, subset) for subset in subsets],
        "recordSet": [_records(subset) for subset in subsets],
    }  # fmt: skip


def _file(workspace: Workspace, subset: str) -> dict[str, Any]:
    name = f"{subset}/{expressions_file.NAME}"
    path = workspace.path(name)
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": "application/jsonlines",
        "sha256": sha256(path),
    }


def _records(subset: str) -> dict[str, Any]:
    composed = expressions_file.OF_COMPOSITES if subset in ("S", "T") else {}
    columns = {**expressions_file.COLUMNS, **composed}
    return {
        "@type": "cr:RecordSet",
        "@id": subset,
        "name": subset,
        "description": "one row a (sample, expression)",
        "key": [{"@id": f"{subset}/sample_id"}, {"@id": f"{subset}/expression"}],
        "field": [_field(subset, column, text) for column, text in columns.items()],
    }


def _field(subset: str, column: str, description: str) -> dict[str, Any]:
    found = {
        "@type": "cr:Field",
        "@id": f"{subset}/{column}",
        "name": f"{subset}/{column}",
        "description": description,
        "dataType": "sc:Integer" if column in expressions_file.NUMBERS else "sc:Text",
        "source": {"fileObject": {"@id": f"{subset}/{expressions_file.NAME}"}, "extract": {"column": column}},
    }
    return {**found, "repeated": True} if column in expressions_file.LISTS else found
