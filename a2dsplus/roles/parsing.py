"""Parsing captions, in one process or several, each distinct caption once."""

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor

from a2dsplus.errors import InputError
from a2dsplus.records import ParsedCaption
from a2dsplus.roles.frames import build_caption
from a2dsplus.roles.srl.labeller import Labeller, Predicates, load_labeller
from a2dsplus.roles.tokens import split_words

_CHUNK = 512  # captions; enough for batches of equal length, little enough for a progress bar to move


def parse(
    texts: Sequence[str],
    *,
    labeller: Labeller | None = None,
    workers: int = 1,
    progress: Callable[[int], object] | None = None,
    correct: bool = False,
) -> list[ParsedCaption]:
    """Return the roles of each caption, in order.

    `labeller`: the compact model unless given. `workers`: processes; the result does not depend on it. `progress` is called
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
    size = _CHUNK if workers == 1 else _CHUNK // 4
    chunks = [distinct[first : first + size] for first in range(0, len(distinct), size)]
    found: dict[str, ParsedCaption] = {}
    for done in _run(chunks, labeller, workers=workers):
        found.update((caption.text, caption) for caption in done)
        if progress is not None:
            progress(sum(asked[caption.text] for caption in done))
    return [found[text] for text in texts]


def parse_chunk(captions: Sequence[str], *, labeller: Labeller) -> list[ParsedCaption]:
    """Return the roles of captions in one go, in this process."""
    words = [split_words(caption) for caption in captions]
    predictions = labeller.label(captions, words)
    return [build_caption(*item) for item in zip(captions, words, predictions, strict=True)]


def _run(chunks: Sequence[list[str]], labeller: Labeller, *, workers: int) -> Iterable[list[ParsedCaption]]:
    if workers == 1 or len(chunks) < 2:
        for chunk in chunks:
            yield parse_chunk(chunk, labeller=labeller)
        return
    # Fresh processes: a fork of a process in which torch has started threads may hang.
    context = multiprocessing.get_context("spawn")
    count = min(workers, len(chunks))
    with ProcessPoolExecutor(count, context, initializer=_start, initargs=(*labeller.recipe, count)) as pool:
        yield from pool.map(_work, chunks)


_own: list[Labeller] = []  # the labeller of a worker process


def _start(srl: str, predicates: Predicates, workers: int) -> None:
    import torch

    torch.set_num_threads(max(1, (os.cpu_count() or 1) // workers))
    _own[:] = [load_labeller(srl, predicates=predicates)]


def _work(captions: list[str]) -> list[ParsedCaption]:
    return parse_chunk(captions, labeller=_own[0])
