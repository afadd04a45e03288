"""Captions a second: the native runtime against AllenNLP's predictor on one BERT-base-sized archive, and the compact model.

The archive has random weights: speed does not depend on them, and its tags are compared too. Both sides get the same captions,
the same predicates, the same number of threads, in one run. The floor is the time that the encoder's matrix products alone
would take at the rate measured here for their shapes.

    python benchmarks/srl_speed.py [--captions 300] [--threads 2] [--json FILE]

AllenNLP's environment comes from `make allennlp`; without it the native figures stand alone. About two minutes on two idle cores.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import torch

from a2dsplus.roles import load_labeller, parse, split_words
from a2dsplus.roles.allennlp.predictor import AllenNlpTagger, find_python
from a2dsplus.roles.srl.archive import load_archive
from a2dsplus.roles.srl.bert import BertShape
from a2dsplus.roles.srl.bert_names import find_vocabulary
from a2dsplus.roles.srl.compact import export_archive
from a2dsplus.roles.srl.srl_bert import SrlBert, SrlTagger
from a2dsplus.roles.srl.wordpieces import WordPieces

SHARED = Path(os.environ.get("A2DSPLUS_SHARED", Path(__file__).resolve().parents[2] / "shared"))
ROLES = (
    "V",
    "ARG0",
    "ARG1",
    "ARG2",
    "ARG3",
    "ARG4",
    *(f"ARGM-{x}" for x in ["ADV", "LOC", "TMP", "MNR", "DIR", "PRP", "CAU", "MOD", "NEG"]),
)
LABELS = ("O", *(f"{kind}-{mark}{role}" for mark in ("", "C-", "R-") for role in ROLES for kind in "BI"))


def main() -> None:
    """Run the comparison and print a table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--captions", type=int, default=300, help="distinct captions for the comparison")
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    file = SHARED / "data" / "a2d_annotation.txt"
    if not file.exists():
        sys.exit(f"{file}: the A2D-Sentences captions are not there (set A2DSPLUS_SHARED)")
    captions = [line.split(",", 2)[2] for line in file.read_text(encoding="utf-8").splitlines()[1:]]
    torch.set_num_threads(chosen.threads)
    result: dict[str, float] = {"threads": chosen.threads}
    compact(captions, result)
    base_size(captions, chosen.captions, chosen.threads, result)
    for name, value in result.items():
        print(f"{name:44} {value:10.2f}")
    if chosen.json:
        chosen.json.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def compact(captions: list[str], result: dict[str, float]) -> None:
    """Measure the compact model: from text to roles, every caption of the file as the build asks for them."""
    started = time.perf_counter()
    labeller = load_labeller()
    parse(["a dog is running on the grass"], labeller=labeller)
    result["compact: start-up and first caption, s"] = time.perf_counter() - started
    distinct = sorted(set(captions))
    started = time.perf_counter()
    parse(distinct, labeller=labeller)
    seconds = time.perf_counter() - started
    result["compact: distinct captions"] = len(distinct)
    result["compact: distinct captions a second"] = len(distinct) / seconds
    result["compact: captions of the data set a second"] = len(captions) / seconds


def base_size(captions: list[str], count: int, threads: int, result: dict[str, float]) -> None:
    """Measure a BERT-base-sized archive in the native runtime and in AllenNLP."""
    sample = random.Random(0).sample(sorted(set(captions)), count)
    words = [[word.text for word in split_words(caption)] for caption in sample]
    predicates = [
        [place for place, word in enumerate(row) if word.lower().endswith("ing")] or [len(row) - 1] for row in words
    ]
    frames = sum(len(row) for row in predicates)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "base.tar.gz"
        torch.manual_seed(0)
        pieces = WordPieces.read(find_vocabulary("bert-base-uncased", beside=path), lower=True)
        network = SrlBert(BertShape(), labels=len(LABELS))
        export_archive(path, tagger=SrlTagger(network, labels=LABELS, pieces=pieces))
        tagger = load_archive(path)
        tagger.tag(words[:16], predicates[:16])
        started = time.perf_counter()
        ours = tagger.tag(words, predicates)
        seconds = time.perf_counter() - started
        result["BERT base: captions"] = count
        result["BERT base: frames"] = frames
        result["native: captions a second"] = count / seconds
        rows = sum(
            len(tagger.pieces.encode(row).ids) * len(chosen) for row, chosen in zip(words, predicates, strict=True)
        )
        floor = floor_seconds(rows)
        result["floor of the matrix products: captions a second"] = count / floor
        result["native: time / floor"] = seconds / floor
        if find_python() is None:
            print("AllenNLP: no environment (make allennlp); left out", file=sys.stderr)
            return
        reference = AllenNlpTagger(path, threads=threads)
        reference.tag(words[:16], predicates[:16])
        best = 0.0
        # one at a time is slow, and a third of the captions tell as much
        for batch, part in ((1, count // 3), (32, count)):
            theirs = reference.tag(words[:part], predicates[:part], batch=batch)
            result[f"AllenNLP: captions a second, batches of {batch}"] = part / reference.seconds
            best = max(best, part / reference.seconds)
            differing = sum(a != b for a, b in zip(ours[:part], theirs, strict=True))
            result[f"captions with other tags, batches of {batch}"] = differing
        reference.close()
        result["native / AllenNLP's predictor, one at a time"] = (
            count / seconds / result["AllenNLP: captions a second, batches of 1"]
        )
        result["native / AllenNLP's predictor at its best"] = count / seconds / best


def floor_seconds(rows: int) -> float:
    """Return the seconds that BERT base's matrix products take for `rows` word pieces, at the best rate found for them here."""
    best = 0.0
    for batch in (256, 512, 1024, 2048):
        operations = 0.0
        spent = 0.0
        for width, height, times in ((768, 768, 4), (768, 3072, 1), (3072, 768, 1)):
            a, b = torch.randn(batch, width), torch.randn(width, height)
            out = torch.empty(batch, height)
            torch.mm(a, b, out=out)
            started = time.perf_counter()
            for _ in range(8 * times):
                torch.mm(a, b, out=out)
            spent += time.perf_counter() - started
            operations += 8 * times * 2.0 * batch * width * height
        best = max(best, operations / spent)
    return 12 * rows * 2.0 * (4 * 768 * 768 + 2 * 768 * 3072) / best


if __name__ == "__main__":
    with torch.inference_mode():
        main()
