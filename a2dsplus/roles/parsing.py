"""Parsing captions, in one process or several, each distinct caption once."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from a2dsplus.engine import Engine, LocalEngine
from a2dsplus.errors import InputError
from a2dsplus.progress import Advance, unwatched
from a2dsplus.records import ParsedCaption
from a2dsplus.roles.frames import build_caption
from a2dsplus.roles.srl.labeller import Labeller, Predicates, load_labeller
from a2dsplus.roles.tokens import split_words

_CHUNK = (
    256  # captions; enough for batches of equal length, little enough for a progress bar to move and workers to share
)


def parse(
    texts: Sequence[str],
    *,
    labeller: Labeller | None = None,
    workers: int = 1,
    engine: Engine | None = None,
    progress: Advance = unwatched,
    correct: bool = False,
) -> list[ParsedCaption]:
    """Return the roles of each caption, in order.

    `labeller`: the compact model unless given. `workers`: processes, or `engine`: what runs instead;
    the result depends on neither. `progress` is called
    with the number of captions newly done. `correct`: captions with a slip on record are parsed as they were meant, and
    `ParsedCaption.text` is then the corrected caption. Empty captions and those without a letter or digit have no frames.
    Raises InputError where a caption is no text, or `workers` is below 1.
    """
    if workers < 1:
        raise InputError(f"workers is {workers}; it must be at least 1")
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"caption {index}: a {type(text).__name__}, not text")
    if correct:
        from a2dsplus.roles.corrections import correct_caption

        texts = [correct_caption(text) for text in texts]
    if labeller is None:
        labeller = load_labeller()
    asked = Counter(texts)
    distinct = list(asked)
    chunks = [distinct[first : first + _CHUNK] for first in range(0, len(distinct), _CHUNK)]
    found: dict[str, ParsedCaption] = {}
    engine = engine or LocalEngine(workers=workers)
    here = isinstance(engine, LocalEngine) and (engine.workers == 1 or len(chunks) == 1)
    start = partial(_start, labeller if here else labeller.recipe)
    for done in engine.run(_work, chunks, start=start):
        found.update((caption.text, caption) for caption in done)
        progress(sum(asked[caption.text] for caption in done))
    return [found[text] for text in texts]


def parse_chunk(captions: Sequence[str], *, labeller: Labeller) -> list[ParsedCaption]:
    """Return the roles of captions in one go, in this process."""
    words = [split_words(caption) for caption in captions]
    predictions = labeller.label(captions, words)
    return [build_caption(*item) for item in zip(captions, words, predictions, strict=True)]


def _start(labeller: Labeller | tuple[str, Predicates], _number: int) -> Labeller:
    """Return a worker's labeller: the caller's own in its process, one loaded anew in another."""
    return load_labeller(labeller[0], predicates=labeller[1]) if isinstance(labeller, tuple) else labeller


def _work(labeller: Labeller, captions: list[str]) -> list[ParsedCaption]:
    return parse_chunk(captions, labeller=labeller)
