"""The training loop of the compact model: seeded, resumable, one thread by default."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from a2dsplus.errors import InputError
from a2dsplus.files import replacing
from a2dsplus.roles.srl.srl_bert import SrlBert
from a2dsplus.roles.srl.wordpieces import WordPieces
from a2dsplus.roles.training.augment import caption_like
from a2dsplus.roles.training.corpus import Sentence
from a2dsplus.roles.training.grammar import CaptionGrammar
from a2dsplus.roles.training.labels import LABELS

_ROW = {label: index for index, label in enumerate(LABELS)}
_IGNORED = -100
_POOL = 64  # batches that are cut from one length-sorted pool: little padding, and lengths still mixed over time


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a training run depends on, apart from its data and its first weights.

    `batch_pieces`: padded word pieces a step. `shares`: of each corpus, the share of its sentences that a pass uses, drawn anew for
    each pass. `written`: captions drawn from the grammar a pass. `predicate_weight`: how much a sentence whose predicates are to be
    found counts beside a frame. `layer_decay`: the factor on the learning rate from one encoder
    layer to the one below.
    """

    passes: int = 3
    seed: int = 0
    batch_pieces: int = 2048
    learning_rate: float = 3e-4
    head_learning_rate: float = 1e-3
    layer_decay: float = 0.9
    warm_up: float = 0.06
    weight_decay: float = 0.01
    written: int = 12_000
    predicate_weight: float = 2.0
    shares: tuple[float, ...] = (1.0, 1.0, 0.5)
    bf16: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """One row of a batch. `labels` for a frame, `fires` for a sentence whose predicates are to be found."""

    ids: tuple[int, ...]
    marked: tuple[int, int] = (0, 0)
    labels: tuple[int, ...] = ()
    fires: tuple[int, ...] = ()


class Trainer:
    """One run. `corpora`: of PropBank, one a share of the recipe. `captions`: already labelled ones, each used in every pass."""

    def __init__(
        self,
        model: SrlBert,
        *,
        pieces: WordPieces,
        corpora: Sequence[Sequence[Sentence]],
        captions: Sequence[Sentence],
        recipe: Recipe,
    ) -> None:
        if len(corpora) != len(recipe.shares):
            raise InputError(f"{len(corpora)} corpora for {len(recipe.shares)} shares; give one share a corpus")
        self.model = model
        self.recipe = recipe
        self._pieces = pieces
        self._corpora = corpora
        self._captions = captions
        self._optimizer = torch.optim.AdamW(
            self._groups(), weight_decay=recipe.weight_decay, betas=(0.9, 0.98), fused=True
        )
        self._step = 0

    def run(self, folder: Path, *, report: Callable[[str], None], after_pass: Callable[[int], None]) -> None:
        """Train to the end, going on from `folder`'s checkpoint where there is one; a checkpoint is kept there every five minutes.

        Raises InputError where the checkpoint is of another recipe.
        """
        plan = [len(list(self._batches(number))) for number in range(self.recipe.passes)]
        total = sum(plan)
        self._resume(folder)
        saved = time.monotonic()
        began, first = time.monotonic(), self._step
        self.model.train()
        running = 0.0
        for number in range(self.recipe.passes):
            before = sum(plan[:number])
            for index, batch in enumerate(self._batches(number)):
                if before + index < self._step:
                    continue
                torch.manual_seed(
                    self.recipe.seed * 1_000_003 + self._step
                )  # so that dropout does not depend on resuming
                loss = self._learn(batch, share=self._step / total)
                running += (loss - running) * (0.02 if self._step > first else 1.0)
                self._step += 1
                if self._step % 50 == 0:
                    speed = (time.monotonic() - began) / (self._step - first)
                    report(f"step {self._step}/{total}, loss {running:.3f}, {speed:.2f} s a step")
                if time.monotonic() - saved > 300:
                    self._save(folder)
                    saved = time.monotonic()
            if self._step == before + plan[number]:
                self.model.eval()
                after_pass(number)
                self.model.train()
        self._save(folder)
        self.model.eval()

    def _learn(self, batch: Sequence[_Item], *, share: float) -> float:
        recipe = self.recipe
        slope = (
            min(1.0, (share + 1e-4) / recipe.warm_up)
            * (1.0 - share)
            / (1.0 - recipe.warm_up if share > recipe.warm_up else 1.0)
        )
        for group in self._optimizer.param_groups:
            group["lr"] = group["base"] * slope
        ids, marked, mask, labels, fires = self._tensors(batch)
        # The fused attention's backward pass is several times slower on processors than plain matrix products.
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bf16), sdpa_kernel(SDPBackend.MATH):
            hidden = self.model.embedding_dropout(self.model.bert_model(ids, marked, mask))
        hidden = hidden.float()
        of_frames, of_sentences = labels != _IGNORED, fires != _IGNORED
        assert self.model.predicate_layer is not None
        loss = torch.zeros(())
        if bool(of_frames.any()):
            logits = self.model.tag_projection_layer(hidden[of_frames])
            loss = loss + F.cross_entropy(logits, labels[of_frames], label_smoothing=0.02) * float(
                of_frames.sum() / mask.sum()
            )
        if bool(of_sentences.any()):
            found = self.model.predicate_layer(hidden[of_sentences])
            share_of_loss = recipe.predicate_weight * float(of_sentences.sum() / mask.sum())
            loss = loss + F.cross_entropy(found, fires[of_sentences]) * share_of_loss
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0, foreach=True)
        self._optimizer.step()
        return float(loss.detach())

    def _groups(self) -> list[dict[str, object]]:
        """Return parameter groups: the lower the layer, the smaller its learning rate."""
        recipe, layers = self.recipe, self.model.shape.num_hidden_layers
        groups: dict[float, list[Tensor]] = {}
        for name, parameter in self.model.named_parameters():
            if name.startswith("bert_model.encoder.layer."):
                rate = recipe.learning_rate * recipe.layer_decay ** (layers - 1 - int(name.split(".")[3]))
            elif name.startswith("bert_model."):
                rate = recipe.learning_rate * recipe.layer_decay**layers
            else:
                rate = recipe.head_learning_rate
            groups.setdefault(rate, []).append(parameter)
        return [{"params": members, "lr": rate, "base": rate} for rate, members in groups.items()]

    def _batches(self, number: int) -> Iterator[list[_Item]]:
        """Yield the batches of a pass, the same every time it is asked for."""
        rng = np.random.default_rng([self.recipe.seed, number])
        items = list(self._items(rng))
        order = rng.permutation(len(items))
        pool_pieces = self.recipe.batch_pieces * _POOL
        pool: list[_Item] = []
        size = 0
        for position, index in enumerate(order):
            pool.append(items[index])
            size += len(items[index].ids)
            if size >= pool_pieces or position == len(order) - 1:
                cut = self._cut(pool)
                for place in rng.permutation(len(cut)):
                    yield cut[place]
                pool, size = [], 0

    def _cut(self, pool: list[_Item]) -> list[list[_Item]]:
        batches: list[list[_Item]] = []
        for item in sorted(pool, key=lambda item: len(item.ids)):
            if not batches or (len(batches[-1]) + 1) * len(item.ids) > self.recipe.batch_pieces:
                batches.append([])
            batches[-1].append(item)
        return batches

    def _items(self, rng: np.random.Generator) -> Iterator[_Item]:
        grammar = CaptionGrammar(rng)
        for corpus, share in zip(self._corpora, self.recipe.shares, strict=True):
            for sentence in corpus:
                if rng.random() < share:
                    yield from self._encoded(caption_like(sentence, rng))
        for _ in range(self.recipe.written):
            yield from self._encoded(grammar.caption())
        for sentence in self._captions:
            yield from self._encoded(sentence)

    def _encoded(self, sentence: Sentence) -> Iterator[_Item]:
        if not sentence.words:
            return
        encoded = self._pieces.encode(sentence.words)
        if len(encoded.ids) > self.model.shape.max_position_embeddings:
            return
        spans = list(zip(encoded.starts, encoded.ends, strict=True))
        for predicate, tags in sentence.frames:
            labels = [0] * len(encoded.ids)  # O, at [CLS] and [SEP] too
            for (start, end), tag in zip(spans, tags, strict=True):
                labels[start:end] = [_ROW[tag]] + [_ROW[tag if tag == "O" else f"I-{tag[2:]}"]] * (end - start - 1)
            yield _Item(ids=encoded.ids, marked=spans[predicate], labels=tuple(labels))
        if sentence.complete:
            fires = [_IGNORED] * len(encoded.ids)
            predicates = {predicate for predicate, _ in sentence.frames}
            for word, (start, _) in enumerate(spans):
                fires[start] = int(word in predicates)
            yield _Item(ids=encoded.ids, fires=tuple(fires))

    def _tensors(self, batch: Sequence[_Item]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        longest = max(len(item.ids) for item in batch)
        shape = (len(batch), longest)
        ids = torch.full(shape, self._pieces.padding)
        marked = torch.zeros(shape, dtype=torch.long)
        mask = torch.zeros(shape, dtype=torch.bool)
        labels = torch.full(shape, _IGNORED)
        fires = torch.full(shape, _IGNORED)
        for row, item in enumerate(batch):
            length = len(item.ids)
            ids[row, :length] = torch.tensor(item.ids)
            mask[row, :length] = True
            marked[row, item.marked[0] : item.marked[1]] = 1
            if item.labels:
                labels[row, :length] = torch.tensor(item.labels)
            else:
                fires[row, :length] = torch.tensor(item.fires)
        return ids, marked, mask, labels, fires

    def _save(self, folder: Path) -> None:
        state = {"model": self.model.state_dict(), "optimizer": self._optimizer.state_dict(), "step": self._step}
        with replacing(folder / "checkpoint.pt") as draft:
            torch.save(state | {"recipe": json.dumps(asdict(self.recipe), sort_keys=True)}, draft)

    def _resume(self, folder: Path) -> None:
        path = folder / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        if state["recipe"] != json.dumps(asdict(self.recipe), sort_keys=True):
            raise InputError(
                f"{path}: a checkpoint of another recipe; choose another --out, or delete it to start afresh"
            )
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._step = int(state["step"])
