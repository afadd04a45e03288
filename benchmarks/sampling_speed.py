"""Contrast sampling grows no faster than n log n; a brute-force sampler over all pairs is the peer at sizes it can bear.

    python benchmarks/sampling_speed.py [--most 1000000]

Synthetic captions: who (with modifiers), verb and place drawn from Zipf-like distributions, two captions a video. For each n the sampler
indexes all captions and ranks up to six candidates for every one of them. The brute-force peer looks at all pairs; both must find the
same candidate sets.
"""

import argparse
import math
import time

import numpy as np

from a2dsplus.contrast.entailment import Guard, Lexicon
from a2dsplus.contrast.index import TIERS, CandidateIndex
from a2dsplus.contrast.meaning import Meaning
from a2dsplus.contrast.sampler import Sampler

ACTORS = [
    "man",
    "woman",
    "boy",
    "girl",
    "person",
    "baby",
    "dog",
    "cat",
    "bird",
    "car",
    "ball",
    "player",
    "kid",
    "parrot",
    "duck",
    "kitten",
    "puppy",
    "truck",
    "runner",
    "soldier",
]
COLOURS = [
    "black",
    "white",
    "red",
    "blue",
    "green",
    "brown",
    "yellow",
    "gray",
    "orange",
    "pink",
    "purple",
    "small",
    "big",
    "striped",
]
VERBS = [
    "walk",
    "run",
    "roll",
    "jump",
    "stand",
    "eat",
    "crawl",
    "climb",
    "fly",
    "sit",
    "throw",
    "play",
    "move",
    "lie",
    "bounce",
    "dribble",
    "flip",
    "chase",
    "turn",
    "follow",
]
PLACES = [
    f"{preposition} {colour}{noun}"
    for preposition in ("on", "in", "near", "behind", "under", "along")
    for colour in ("", "green ", "white ", "wooden ")
    for noun in [
        "grass",
        "floor",
        "street",
        "snow",
        "beach",
        "room",
        "track",
        "tree",
        "table",
        "wall",
        "left",
        "right",
        "middle",
        "water",
        "rock",
        "carpet",
        "stair",
        "sofa",
    ]
]


def captions(count: int, *, seed: int = 0) -> list[Meaning]:
    """Return `count` captions of `count` / 2 videos."""
    rng = np.random.default_rng(seed)

    def drawn(words: list[str], share: float = 1.0) -> list[str | None]:
        weights = 1 / np.arange(1, len(words) + 1)
        indices = rng.choice(len(words), count, p=weights / weights.sum())
        present = rng.random(count) < share
        return [words[index] if here else None for index, here in zip(indices, present, strict=True)]

    columns = zip(drawn(COLOURS, 0.5), drawn(ACTORS), drawn(VERBS), drawn(PLACES, 0.75), strict=True)
    found = []
    for number, (colour, actor, verb, place) in enumerate(columns):
        roles = {("who", f"{colour} {actor}" if colour else str(actor)), ("verb", str(verb))}
        if place:
            roles.add(("where", place))
        found.append(Meaning(f"v{number // 2}/{number % 2}", f"v{number // 2}", tuple(sorted(roles)), True))
    return found


def sampled(meanings: list[Meaning], guard: Guard) -> float:
    """Return the CPU seconds of indexing all captions and sampling for each."""
    start = time.process_time()
    Sampler(meanings, guard).sample(meanings, seed=0)
    return time.process_time() - start


def brute_force(meanings: list[Meaning]) -> tuple[float, list[dict[int, set[int]]]]:
    """Return the CPU seconds of comparing all pairs, and each query's candidates by tier."""
    index = CandidateIndex([])
    start = time.process_time()
    found: list[dict[int, set[int]]] = []
    for query in meanings:
        tiers: dict[int, set[int]] = {tier: set() for tier in TIERS}
        for number, other in enumerate(meanings):
            tier = index.tier(query, other)
            if tier is not None:
                tiers[tier].add(number)
        found.append(tiers)
    return time.process_time() - start, found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=1_000_000)
    most = parser.parse_args().most
    guard = Guard(Lexicon())
    print(f"{'captions':>10} {'sampler s':>10} {'us/(n log n)':>13} {'all pairs s':>12} {'ratio':>8}  same candidates")
    for count in (500, 1000, 2000):
        meanings = captions(count)
        ours = sampled(meanings, guard)
        peer, expected = brute_force(meanings)
        index = CandidateIndex(meanings)
        rng = np.random.default_rng(0)
        same = all(
            set(index.draws(q, tier, rng)) == expected[n][tier] for n, q in enumerate(meanings[:300]) for tier in TIERS
        )
        print(
            f"{count:>10,} {ours:>10.2f} {ours / (count * math.log2(count)) * 1e6:>13.2f} {peer:>12.2f} {peer / ours:>7.0f}x  {same}"
        )
    for count in (10_000, 30_000, 100_000, 300_000, 1_000_000):
        if count <= most:
            ours = sampled(captions(count), guard)
            print(f"{count:>10,} {ours:>10.2f} {ours / (count * math.log2(count)) * 1e6:>13.2f} {'':>12}", flush=True)


if __name__ == "__main__":
    main()
