"""How many frames of captions, labelled by hand, a tagger gets wholly right."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from a2dsplus.errors import InputError
from a2dsplus.roles.srl.srl_bert import SrlTagger
from a2dsplus.roles.tokens import split_words
from a2dsplus.roles.training.labels import spans
from a2dsplus.roles.training.train import caption_sha1

Span = tuple[str, int, int]
"""Role, first word, word after the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledCaption:
    """A caption's frames by hand: (predicate's word index, spans in order, V among them). The caption itself is not kept."""

    query_id: str
    sha1: str
    frames: tuple[tuple[int, tuple[Span, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionAccuracy:
    """`frames` are the labelled ones; `right` those with every span and label as labelled; `extra` frames nobody labelled.

    `same_spans`: frames whose phrases are all right, whatever their labels. `errors`: (wanted, found) of single phrases, None where
    there is none, counted.
    """

    captions: int
    frames: int
    right: int
    same_spans: int
    extra: int
    errors: tuple[tuple[tuple[str | None, str | None], int], ...]


def read_labels(path: Path) -> list[LabelledCaption]:
    """Return the labelled captions of a JSON list. Raises InputError where it is none."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [
            LabelledCaption(
                query_id=row["query_id"],
                sha1=row["sha1"],
                frames=tuple(
                    (int(frame["predicate"]), tuple((str(r), int(a), int(b)) for r, a, b in frame["roles"]))
                    for frame in row["frames"]
                ),
            )
            for row in rows
        ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path}: not a list of labelled captions ({error!r})") from error


def caption_accuracy(
    tagger: SrlTagger, labelled: Sequence[LabelledCaption], captions: Mapping[str, str]
) -> CaptionAccuracy:
    """Return how the tagger does, its own predicates included. `captions`: query id to text.

    Raises InputError for a caption that is missing or is not the one that was labelled (its sha1 differs).
    """
    words = []
    for row in labelled:
        text = captions.get(row.query_id)
        if text is None or caption_sha1(text) != row.sha1:
            raise InputError(f"{row.query_id}: the caption is {'missing' if text is None else 'not the labelled one'}")
        words.append([word.text for word in split_words(text)])
    frames = right = same = extra = 0
    errors: Counter[tuple[str | None, str | None]] = Counter()
    for row, found in zip(labelled, tagger.tag(words), strict=True):
        have = {predicate: {(a, b): role for role, a, b in spans(tags)} for predicate, tags in found}
        want = {predicate: {(a, b): role for role, a, b in roles} for predicate, roles in row.frames}
        frames += len(want)
        extra += len(have.keys() - want.keys())
        for predicate, expected in want.items():
            got = have.get(predicate, {})
            right += got == expected
            same += got.keys() == expected.keys()
            for place in sorted(expected.keys() | got.keys()):
                if expected.get(place) != got.get(place):
                    errors[expected.get(place), got.get(place)] += 1
    return CaptionAccuracy(
        captions=len(labelled),
        frames=frames,
        right=right,
        same_spans=same,
        extra=extra,
        errors=tuple(errors.most_common()),
    )
