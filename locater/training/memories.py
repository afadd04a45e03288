"""Training the memories alone, on encodings made once: minutes on one core where the whole network takes hours.

Of the network's parts only those past the encoders learn: the two writers, the mask embedding and the query generator (Eq. 5, 6, 9, 10).
V of every kept frame for every query is computed beforehand, as it is and mirrored.

Legend: B batch, G global frames, T clip frames, N patches, L words, D width, S image side.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from locater import checkpoint
from locater.errors import ConfigError
from locater.inference import swap_sides
from locater.loss import loss
from locater.model import Locater, Prediction
from locater.paper import PaperNetwork, Words
from locater.training.data import Clips, Draw, Example, FrameStore, Order, scaled
from locater.training.loop import Progress, attention_for, overlap, rate
from locater.training.state import checkpoints, identity, restore_state, save_state


class Encodings:
    """V (2, n, N, D) bfloat16 and the words of each example, plain and mirrored, by a network's encoders."""

    def __init__(self, model: Locater, examples: Sequence[Example], store: FrameStore) -> None:
        network = model.network
        if not isinstance(network, PaperNetwork) or network.context:
            raise ConfigError(
                "training: the memories alone can be trained of variant='paper' with vision='transformer'"
            )
        self._network = network
        self._model, self._examples, self._store = model, examples, store
        self.tokens: list[Tensor] = []
        self.words: list[Words] = []

    @torch.no_grad()
    def encode(self, *, flips: bool = True, progress: Callable[[int], None] | None = None) -> None:
        """Compute everything; without `flips`, the plain half only."""
        self._model.eval()
        for example in self._examples:
            kept = torch.from_numpy(self._store.kept(example.video)).permute(0, 3, 1, 2)  # (n, 3, S, S)
            ways = [kept, kept.flip(-1)] if flips else [kept]
            frames = scaled(torch.stack(ways)).to(self._model.device)  # (2, n, 3, S, S)
            ids = self._model.tokens([example.text, swap_sides(example.text)][: len(ways)])
            with torch.autocast(self._model.device.type, torch.bfloat16):
                words = self._network.read_words(ids)
                self.tokens.append(self._network.encode(frames, words)[-1].bfloat16())
            self.words.append(Words(words.features.float(), words.mask))
            if progress:
                progress(1)

    def batch(self, draws: Sequence[Draw]) -> tuple[Words, Tensor, Tensor]:
        """Return words (B, L, D), V of the global frames (B, G, N, D) and of the clips (B, T, N, D), float32."""
        chosen = [self._of(draw) for draw in draws]
        features, masks, globe, clip = (torch.stack(parts) for parts in zip(*chosen, strict=True))
        return Words(features, masks), globe.float(), clip.float()

    def _of(self, draw: Draw) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        way, words = int(draw.flip), self.words[draw.example]
        video = self._examples[draw.example].video
        tokens = self.tokens[draw.example][way]
        globe, clip = (torch.from_numpy(self._store.places(video, numbers)) for numbers in (draw.globe, draw.clip))
        return words.features[way], words.mask[way], tokens[globe], tokens[clip]


def follow(
    network: PaperNetwork,
    words: Words,
    globe: Tensor,
    clip: Tensor,
    *,
    masks: Tensor | None,
    known: Tensor | None,
    size: int,
) -> Prediction:
    """Return the predictions for clips whose V is known: `Locater.forward` past the encoders.

    globe (B, G, N, D), clip (B, T, N, D); masks (B, T, 1, S, S) and known (B, T) as there.
    """
    batch = len(clip)
    memory = network.global_memory([globe], batch)
    local = network.first_local(batch)
    logits, weights = [], []
    for index in range(clip.shape[1]):
        tokens = clip[:, index]
        logit, own, weight = network.predict(tokens, words, globe=memory, local=local, size=size)
        logits.append(logit)
        weights.append(weight)
        if index + 1 < clip.shape[1]:
            written = own.detach()
            if masks is not None:
                given = network.remembered(masks[:, index]).to(written.dtype)
                written = given if known is None else torch.where(known[:, index].view(-1, 1, 1, 1), given, written)
            local = network.write_local(local, tokens, written)
    return Prediction(torch.stack(logits, 1), [], torch.stack(weights, 1), clip)


def learners(network: PaperNetwork) -> list[torch.nn.Parameter]:
    """Return the parameters past the encoders."""
    parts: list[Any] = [network.globe, network.local, network.mask_embedding, network.queries, network.decoder]
    return [parameter for part in parts if part is not None for parameter in part.parameters()]


def train_memories(
    model: Locater,
    encodings: Encodings,
    clips: Clips,
    *,
    out: Path,
    report: Callable[[Progress], None] | None = None,
) -> Path:
    """Train what is past the encoders, in place, and return the path of the weights, OUT/model.safetensors.

    The options are those of `clips`. As with `train`, a run that was interrupted goes on from its last checkpoint.
    """
    network, options = model.network, clips.options
    assert isinstance(network, PaperNetwork)
    parameters = learners(network)
    optimiser = torch.optim.AdamW(parameters, lr=options.lr, weight_decay=options.weight_decay, fused=True)
    per_epoch = max(len(clips) // options.batch, 1)
    steps = per_epoch * options.epochs
    described = {**identity(model, clips), "trained": {"part": "memories"}}
    out.mkdir(parents=True, exist_ok=True)
    earlier = checkpoints(out)
    step = 0
    if earlier:
        step = restore_state(earlier[-1], model=model, optimiser=optimiser, scaler=None, identity=described)
    sums: list[Tensor] = []
    model.train()
    while step < steps:
        epoch, within = divmod(step, per_epoch)
        for keys in Order(length=len(clips), batch=options.batch, seed=options.seed, epoch=epoch, start=within):
            draws = [clips.draw(*key) for key in keys]
            truth, known = (torch.stack(parts) for parts in zip(*(clips.masks(draw) for draw in draws), strict=True))
            given = known & torch.tensor([draw.teacher for draw in draws]).unsqueeze(1)
            for group in optimiser.param_groups:
                group["lr"] = rate(step, steps=steps, options=options)
            words, globe, clip = encodings.batch(draws)
            with attention_for(model):
                prediction = follow(network, words, globe, clip, masks=truth, known=given, size=model.config.image_size)
                found = loss(prediction, truth, known=known)
                found.total.backward()
            if options.clip_norm:
                torch.nn.utils.clip_grad_norm_(parameters, options.clip_norm)
            optimiser.step()
            optimiser.zero_grad()
            step += 1
            sums.append(torch.stack([found.total.detach(), overlap(prediction.logits, truth, known)]))
            if report is not None and (step % options.log_every == 0 or step == steps):
                total, iou = torch.stack(sums).mean(0).tolist()
                sums.clear()
                report(Progress(step=step, steps=steps, loss=total, iou=iou))
            if step % options.save_every == 0 or step == steps:
                save_state(out, model=model, optimiser=optimiser, scaler=None, step=step, identity=described)
    model.eval()
    final = out / "model.safetensors"
    checkpoint.save(model, final)
    return final
