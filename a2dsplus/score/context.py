"""What a dataset tells of a subset beyond its masks: captions, samples, sides, pairs, videos. Each file is optional."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from a2dsplus.compose.geometry import Panel, panels
from a2dsplus.dataset import samples_file
from a2dsplus.errors import InputError
from a2dsplus.files import read_bytes
from a2dsplus.media.runs import Ints
from a2dsplus.records import Layout, Sample
from a2dsplus.score.counting.measure import Sides
from a2dsplus.score.figures.pairs import Pairs, asked_both_ways
from a2dsplus.score.truth import Truth

Asked = tuple[str, str]  # a query as the scorer has it: (sample, expression)


@dataclass(frozen=True, kw_only=True)
class Context:
    """What is known of a subset: `samples` by id, `texts` by (sample, expression), `expressions` by (sample, number in meta_expressions.json)."""

    samples: Mapping[str, Sample] = field(default_factory=dict)
    texts: Mapping[Asked, str] = field(default_factory=dict)
    expressions: Mapping[Asked, str] = field(default_factory=dict)

    def video_of(self, query: Asked) -> str:
        """Return the source video of a query: of its sample, or of the sample id without `_<expression>`."""
        name, expression = query
        sample = self.samples.get(name)
        return sample.video_id if sample else name.removesuffix(f"_{expression}")

    def query_of(self, asked: Asked) -> tuple[str, str]:
        """Return the (video, expression) whose caption is asked; of a pair's contrast, the contrast's."""
        sample = self.samples.get(asked[0])
        query_id = sample.asked.get(asked[1]) if sample else None
        video, _, expression = (query_id or f"{self.video_of(asked)}/{asked[1]}").rpartition("/")
        return video, expression

    def place_of(self, asked: Asked) -> str | None:
        """Return where a query's own clip stands in the composite: left, right (S), first, second (T), None in M."""
        sample = self.samples.get(asked[0])
        if sample is None or sample.layout is Layout.NONE:
            return None
        panel = _own_panel(sample, asked[1])
        if sample.layout is Layout.SPATIAL:
            return "left" if panel.left == 0 else "right"
        return "first" if panel.first_index == 0 else "second"

    def text_of(self, query: Asked) -> str:
        """Return a query's caption, or "" where the dataset does not tell."""
        return self.texts.get(query, "")

    def sides(self, truth: Truth) -> Sides | None:
        """Return where each unit's own clip lies: its columns in S, whole frames or none in T; None where there is no contrast."""
        if all(sample.layout is Layout.NONE for sample in self.samples.values()):
            return None
        first, stop = np.zeros(len(truth), np.int64), np.zeros(len(truth), np.int64)
        own: dict[Asked, tuple[Sample, Panel]] = {}
        for unit, name in enumerate(truth.names):
            asked = name.sample, name.expression
            if asked not in own:
                if name.sample not in self.samples:
                    raise InputError(
                        f"{_file(truth)}: has no sample {name.sample}, which {truth.file.name} evaluates; build again"
                    )
                own[asked] = self.samples[name.sample], _own_panel(self.samples[name.sample], name.expression)
            sample, panel = own[asked]
            height, width = int(truth.heights[unit]), int(truth.widths[unit])
            if (sample.height, sample.width) != (height, width):
                raise InputError(
                    f"{_file(truth)}: sample {sample.sample_id} is {sample.height}x{sample.width}, {truth.file.name} has it at "
                    f"{height}x{width}; build again"
                )
            if sample.layout is Layout.SPATIAL:
                first[unit], stop[unit] = panel.left * height, (panel.left + panel.filled_width) * height
            elif panel.shows(name.frame or 0):
                stop[unit] = height * width
        return Sides(first=first, stop=stop)

    def is_temporal(self) -> bool:
        """Return whether the contrast follows in time (T) and not beside (S)."""
        return any(sample.layout is Layout.TEMPORAL for sample in self.samples.values())

    def pairs(self, truth: Truth) -> Pairs:
        """Return the pairs both of whose captions are asked on one sample, as places among the truth's queries."""
        numbers = {query: place for place, query in enumerate(truth.queries)}
        both = {
            name: ((name, "query"), (name, "contrast")) for name, sample in self.samples.items() if sample.evaluated
        }
        return asked_both_ways(
            {name: own for name, own in both.items() if all(query in numbers for query in own)}, numbers
        )


def _own_panel(sample: Sample, expression: str) -> Panel:
    placed = panels(sample)
    return placed[1] if expression == "contrast" and sample.evaluated else placed[0]


def _file(truth: Truth) -> Path:
    return truth.file.parent / samples_file.NAME


def read_context(folder: Path, truth: Truth) -> Context:
    """Return what a subset's folder tells; raises InputError where a file is there but damaged."""
    file = folder / samples_file.NAME
    samples = {sample.sample_id: sample for sample in samples_file.read(file)} if file.is_file() else {}
    texts: dict[Asked, str] = {}
    for name, sample in samples.items():
        for expression, part in zip(sample.asked, (sample.query, sample.contrast), strict=False):
            if part is not None:
                texts[name, expression] = part.text
    expressions, captions = _expressions(folder / "meta_expressions.json", samples, truth)
    return Context(samples=samples, texts=texts | captions, expressions=expressions)


def _expressions(file: Path, samples: Mapping[str, Sample], truth: Truth) -> tuple[dict[Asked, str], dict[Asked, str]]:
    """Return which of our expressions each number of meta_expressions.json is, and the captions."""
    expressions: dict[Asked, str] = {}
    texts: dict[Asked, str] = {}
    if not file.is_file():
        return expressions, texts
    known = set(truth.queries)
    try:
        for name, video in json.loads(read_bytes(file))["videos"].items():
            own: dict[str, Any] = video["expressions"]
            order = sorted(own, key=lambda number: (not number.isdecimal(), int(number) if number.isdecimal() else 0))
            asked = list(samples[name].asked) if name in samples else []
            for place, number in enumerate(order):
                if own[number].get("expression") in asked:
                    word = str(own[number]["expression"])
                elif len(asked) == len(order):
                    word = asked[place]
                else:
                    word = str(own[number].get("expression", own[number].get("obj_id", number)))
                    word = word if (name, word) in known else number
                expressions[name, number] = word
                texts[name, word] = str(own[number]["exp"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{file}: not a list of expressions ({error!r:.100}); build the dataset again") from None
    return expressions, texts


def videos_of(context: Context, truth: Truth) -> tuple[list[str], Ints]:
    """Return the source videos, sorted, and the place among them of each query, (queries,)."""
    own = [context.video_of(query) for query in truth.queries]
    names = sorted(set(own))
    places = {name: place for place, name in enumerate(names)}
    return names, np.array([places[name] for name in own], np.int64)
