"""What a dataset tells of a subset beyond its masks: captions, pairs, sides, videos. Each file is optional."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from a2dsplus.errors import InputError
from a2dsplus.score.counting.measure import Sides
from a2dsplus.score.counting.runs import Ints
from a2dsplus.score.truth import Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRow:
    """What a line of samples.jsonl tells the scorer; `query_width` in pixels and `query_frames` are the query clip's own."""

    video_id: str
    layout: str
    query_first: bool
    query_width: int
    query_frames: int
    differing: tuple[str, ...]
    tier: int | None


@dataclass(frozen=True, kw_only=True)
class Context:
    """What is known of a subset: `samples` by id, `texts` by (sample, expression), `expressions` by (sample, number in meta_expressions.json)."""

    samples: Mapping[str, SampleRow] = field(default_factory=dict)
    texts: Mapping[tuple[str, str], str] = field(default_factory=dict)
    expressions: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def video_of(self, query: tuple[str, str]) -> str:
        """Return the source video of a query: of its sample's row, or of the sample id without `_<expression>`."""
        sample, expression = query
        row = self.samples.get(sample)
        return row.video_id if row else sample.removesuffix(f"_{expression}")

    def text_of(self, query: tuple[str, str]) -> str:
        """Return a query's caption, or "" where the dataset does not tell."""
        return self.texts.get(query, "")

    def sides(self, truth: Truth) -> Sides | None:
        """Return where the contrast lies in each unit: its columns in S, whole contrast frames in T; None where there is no contrast."""
        if not any(row.layout != "none" for row in self.samples.values()):
            return None
        first, stop = np.zeros(len(truth), np.int64), np.zeros(len(truth), np.int64)
        for unit, name in enumerate(truth.names):
            row = self.samples.get(name.sample)
            if row is None:
                raise InputError(
                    f"{truth.file.parent / 'samples.jsonl'}: has no sample {name.sample}, which {truth.file.name} evaluates; build again"
                )
            first[unit], stop[unit] = _contrast(row, name.frame or 0, int(truth.heights[unit]), int(truth.widths[unit]))
        return Sides(first=first, stop=stop)

    def is_temporal(self) -> bool:
        """Return whether the contrast follows in time (T) and not beside (S)."""
        return any(row.layout == "temporal" for row in self.samples.values())


def _contrast(row: SampleRow, frame: int, height: int, width: int) -> tuple[int, int]:
    if row.layout == "temporal":
        of_contrast = (frame > row.query_frames) == row.query_first
        return (0, height * width) if of_contrast else (0, 0)
    if row.layout == "spatial":
        own = row.query_width + row.query_width % 2  # clips of odd width gain a black column
        return (own * height, width * height) if row.query_first else (0, (width - own) * height)
    return 0, 0


def read_context(folder: Path, truth: Truth) -> Context:
    """Return what a subset's folder tells; raises InputError where a file is there but damaged."""
    samples, asked, captions = _samples(folder / "samples.jsonl")
    expressions, texts = _expressions(folder / "meta_expressions.json", asked, truth)
    return Context(samples=samples, texts=captions | texts, expressions=expressions)


def _samples(file: Path) -> tuple[dict[str, SampleRow], dict[str, list[str]], dict[tuple[str, str], str]]:
    """Return the rows of samples.jsonl, the expressions asked on each sample in their order, and the captions that it has."""
    found: dict[str, SampleRow] = {}
    asked: dict[str, list[str]] = {}
    captions: dict[tuple[str, str], str] = {}
    if not file.is_file():
        return found, asked, captions
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read ({error}); build the dataset again") from None
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            found[row["sample_id"]] = _row(row)
            asked[row["sample_id"]] = _asked(row)
            for expression, part in zip(asked[row["sample_id"]], (row.get("query"), row.get("contrast")), strict=False):
                if part and part.get("text"):
                    captions[row["sample_id"], expression] = str(part["text"])
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise InputError(f"{file}, line {number}: not a sample ({error!r}); build the dataset again") from None
    return found, asked, captions


def _asked(row: dict[str, Any]) -> list[str]:
    if row.get("evaluated"):
        return [name for name in ("query", "contrast") if name in row["evaluated"]]
    if row.get("queries"):
        return [str(query_id).rpartition("/")[2] for query_id in row["queries"]]
    query = row.get("query") or {}
    own = query.get("expression_id", query.get("instance_id"))
    return [] if own is None else [str(own)]


def _row(row: dict[str, Any]) -> SampleRow:
    query = row.get("query") or {}
    layout = row.get("layout") or "none"
    if layout not in ("none", "spatial", "temporal"):
        raise ValueError(f"layout {layout!r}")
    tier = row.get("tier")
    sides = [int(query[name]) if query and layout != "none" else 0 for name in ("width", "frames")]
    if not all(0 <= side < 1 << 31 for side in sides):
        raise ValueError(f"width and frames {sides}")
    return SampleRow(
        video_id=str(query["video_id"] if query else row.get("video_id", row["sample_id"])),
        layout=layout,
        query_first=row.get("order", "query-first") == "query-first",
        query_width=sides[0],
        query_frames=sides[1],
        differing=tuple(str(slot) for slot in row.get("differing") or ()),
        tier=None if tier is None else int(tier),
    )


def _expressions(
    file: Path, asked: dict[str, list[str]], truth: Truth
) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]]:
    """Return which of our expressions each number of meta_expressions.json is, and the captions.

    The order is that of samples.jsonl; without it, a number is the expression that its obj_id names, as in A2D-S.
    """
    expressions: dict[tuple[str, str], str] = {}
    texts: dict[tuple[str, str], str] = {}
    if not file.is_file():
        return expressions, texts
    known = set(truth.queries)
    try:
        for sample, video in json.loads(file.read_bytes())["videos"].items():
            own = dict(video["expressions"])
            order = sorted(own, key=lambda number: (not number.isdecimal(), int(number) if number.isdecimal() else 0))
            words = asked.get(sample, [])
            if len(words) != len(order):
                words = [str(own[number].get("obj_id", number)) for number in order]
                if any((sample, word) not in known for word in words):
                    words = [
                        word if (sample, word) in known else number for word, number in zip(words, order, strict=True)
                    ]
            for number, expression in zip(order, words, strict=True):
                expressions[sample, number] = expression
                texts[sample, expression] = str(own[number]["exp"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{file}: not a list of expressions ({error!r}); build the dataset again") from None
    return expressions, texts


def videos_of(context: Context, truth: Truth) -> tuple[list[str], Ints]:
    """Return the source videos, sorted, and the place among them of each query, (queries,)."""
    own = [context.video_of(query) for query in truth.queries]
    names = sorted(set(own))
    places = {name: place for place, name in enumerate(names)}
    return names, np.array([places[name] for name in own], np.int64)
