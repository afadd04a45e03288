"""How good and how fast the compact semantic-role model is.

    python benchmarks/srl_accuracy.py [--data DIR] [--model DIR] [--threads 2] [--only spans|captions|consistency|speed] [--json FILE]

Spans: English Web Treebank test (2,057 sentences), PropBank release 3, gold predicates: verbs without the auxiliary senses be.03,
have.01, do.01 and get.03. Labels collapsed to the model's 32 roles, V and C-V left out; a span counts where label, first and last
word are right (the CoNLL-2005 measure, micro-averaged). Captions: 300 of A2D-Sentences, drawn with a seed and labelled by hand,
predicates found by the model. Speed: all captions of A2D-Sentences from text to tags, after one warm-up on a tenth of them; start-up is a fresh process
that imports, loads and parses one caption.
"""

import argparse
import csv
import json
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import torch

from a2dsplus.roles.srl.compact import load_compact
from a2dsplus.roles.srl.srl_bert import CORE_ROLES, SrlTagger
from a2dsplus.roles.tokens import split_words
from a2dsplus.roles.training.caption_accuracy import caption_accuracy, read_labels
from a2dsplus.roles.training.corpus import read
from a2dsplus.roles.training.evaluate import F1, evaluate
from a2dsplus.roles.training.labels import spans as role_spans

ROOT = Path(__file__).resolve().parents[1]
PREPOSITIONS = frozenset(
    {
        "on",
        "in",
        "near",
        "behind",
        "beside",
        "under",
        "over",
        "through",
        "along",
        "from",
        "towards",
        "into",
        "onto",
        "to",
        "up",
        "down",
    }
)
START = "from a2dsplus.roles import load_labeller, parse; print(parse(['a dog runs'], labeller=load_labeller()))"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data",
        type=Path,
        default=ROOT.parent / "shared" / "data",
        help="folder with propbank/ and a2d_annotation.txt",
    )
    parser.add_argument("--labels", type=Path, default=ROOT / "tests" / "data" / "caption_roles.json")
    parser.add_argument("--model", type=Path, help="a folder that train-srl wrote; the shipped model by default")
    parser.add_argument("--corpus", default="test", help="train, dev or test")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=("spans", "captions", "consistency", "speed"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tagger = load_compact(options.model)
    with (options.data / "a2d_annotation.txt").open(encoding="utf-8", newline="") as lines:
        captions = {f"{row['video_id']}/{row['instance_id']}": row["query"] for row in csv.DictReader(lines)}
    found: dict[str, object] = {}
    if options.only in (None, "spans"):
        found["spans"] = spans(tagger, options.data / "propbank" / f"{options.corpus}.jsonl.gz")
    if options.only in (None, "captions"):
        found["captions"] = labelled_captions(tagger, options.labels, captions)
    if options.only in (None, "consistency"):
        found["consistency"] = consistency(tagger, list(captions.values()))
    if options.only in (None, "speed"):
        found["speed"] = speed(tagger, list(captions.values()), threads=options.threads)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def spans(tagger: SrlTagger, corpus: Path) -> dict[str, float]:
    """Print F1 by role; return the F1 of spans and predicates in percent."""
    accuracy = evaluate(tagger, list(read(corpus)))
    print(f"{corpus.name}: role, precision, recall, F1, gold spans")
    rows: list[tuple[str, F1]] = [("all spans", accuracy.spans)]
    rows += sorted(accuracy.by_role.items(), key=lambda item: -item[1].gold)
    if accuracy.predicates:
        rows.append(("predicates", accuracy.predicates))
    for name, score in rows:
        print(
            f"  {name:12} {100 * score.precision:6.2f} {100 * score.recall:6.2f} {100 * score.f1:6.2f} {score.gold:6d}"
        )
    return {name: round(100 * score.f1, 2) for name, score in rows}


def labelled_captions(tagger: SrlTagger, labels: Path, captions: dict[str, str]) -> dict[str, float]:
    """Print how many frames of the hand-labelled captions are right; return the shares in percent."""
    accuracy = caption_accuracy(tagger, read_labels(labels), captions)
    shares = {
        "frames with all roles right": 100 * accuracy.right / accuracy.frames,
        "frames with all phrases right": 100 * accuracy.same_spans / accuracy.frames,
    }
    print(
        f"{accuracy.captions} captions, {accuracy.frames} frames labelled by hand; {accuracy.extra} frames more were found"
    )
    for name, share in shares.items():
        print(f"  {name:30} {share:6.2f}%")
    for (wanted, got), count in accuracy.errors:
        print(f"    {count:3d} x {wanted or 'nothing':9} labelled {got or 'nothing'}")
    return {name: round(share, 2) for name, share in shares.items()}


def consistency(tagger: SrlTagger, captions: list[str]) -> dict[str, float]:
    """Print how often the same construction has its commonest label, over all captions; return the shares in percent.

    A construction is the first word of a phrase after the verb where that is one of the commonest prepositions, or the subject of a
    participle in -ing. Nothing is labelled by hand here: it says how steady the labels are, not how right.
    """
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    words = [[word.text.lower() for word in split_words(caption)] for caption in captions]
    for row, frames in zip(words, tagger.tag(words), strict=True):
        for predicate, tags in frames:
            for role, start, end in role_spans(tags):
                if start > predicate and end > start + 1 and row[start] in PREPOSITIONS:
                    labels[row[start]][role] += 1
                elif end <= predicate and row[predicate].endswith("ing") and role in CORE_ROLES:
                    labels["subject of -ing"][role] += 1
    shares = {}
    print(f"steadiness over {len(captions)} captions: construction, commonest label, its share, phrases")
    for name, counts in sorted(labels.items(), key=lambda item: -item[1].total()):
        role, count = counts.most_common(1)[0]
        shares[name] = round(100 * count / counts.total(), 2)
        print(f"  {name:16} {role:9} {shares[name]:6.2f}% {counts.total():6d}")
    return shares


def speed(tagger: SrlTagger, captions: list[str], *, threads: int) -> dict[str, float]:
    """Print captions a second and the start-up time in seconds; return both."""
    tagger.tag([[word.text for word in split_words(caption)] for caption in captions[::10]])
    began = time.perf_counter()
    tagger.tag([[word.text for word in split_words(caption)] for caption in captions])
    rate = len(captions) / (time.perf_counter() - began)
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", START], check=True, stdout=subprocess.DEVNULL)
    start = time.perf_counter() - began
    print(
        f"{len(captions)} captions on {threads} threads: {rate:.0f} a second; start-up to the first parse {start:.2f} s"
    )
    return {"captions a second": round(rate), "start-up s": round(start, 2)}


if __name__ == "__main__":
    main()
