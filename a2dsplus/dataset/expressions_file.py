"""expressions.jsonl: what is asked, one (sample, expression) a line with its text. It is what `datasets.load_dataset` reads; needs the standard library alone."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from a2dsplus.records import Query, Sample

NAME = "expressions.jsonl"
COLUMNS = {
    "sample_id": "the sample: a video of the subset",
    "expression": "which of its expressions, as in the keys of ground_truth.json and in the folders of predictions",
    "text": "the referring expression, as its source has it",
    "query_id": "<video_id>/<expression_id> of the source",
    "frames": "number of frames of the sample",
    "height": "height of the sample in pixels",
    "width": "width of the sample in pixels",
    "evaluated_frames": "the frames at which the mask is judged, counted from 1; none where the split withholds masks",
}
"""What every row has: {column: what it is}."""
OF_COMPOSITES = {
    "kind": "other: beside another clip; frozen or reversed: beside its own",
    "order": "which of the clips is first (on the left in S, before in T)",
    "contrast_query_ids": "the queries of the contrast clips",
    "grade": "excluded: the contrast clip is no second right answer by its captions; undecided: they do not tell",
}
"""What a row of S and T has besides."""
LISTS = ("evaluated_frames", "contrast_query_ids")
NUMBERS = ("frames", "height", "width", "evaluated_frames")


def rows(sample: Sample, queries: Mapping[str, Query], evaluated: Mapping[str, Sequence[int]]) -> list[dict[str, Any]]:
    """Return a sample's rows, one an expression. `queries`: by query id. `evaluated`: each expression's frames, 1-based."""
    found = []
    for word, query_id in sample.asked.items():
        row: dict[str, Any] = {
            "sample_id": sample.sample_id,
            "expression": word,
            "text": queries[query_id].text,
            "query_id": query_id,
            "frames": sample.frames,
            "height": sample.height,
            "width": sample.width,
            "evaluated_frames": list(evaluated[word]),
        }
        if sample.contrasts:
            row |= {
                "kind": sample.kind,
                "order": sample.order.value,
                "contrast_query_ids": [part.query_id for part in sample.contrasts],
                "grade": sample.grade,
            }
        found.append(row)
    return found


def lines(found: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as the file's text."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found)
