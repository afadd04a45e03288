"""Contrast sampling grows no faster than n log n; a brute-force sampler over all pairs is the peer at sizes it can bear.

    python benchmarks/sampling_speed.py [--most 1000000]

Synthetic captions: who (with modifiers), verb and place drawn from Zipf-like distributions, two captions a video. For each n the sampler
indexes all captions and ranks up to six candidates for every one of them. The brute-force peer looks at all pairs; both must find the
same candidate sets.
"""

import argparse
import math
import resource
import time

import numpy as np

from a2dsplus.contrast.entailment import Guard, Lexicon
from a2dsplus.contrast.index import tier
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


def brute_force(meanings: list[Meaning]) -> tuple[float, list[list[tuple[str, int]]]]:
    """Return the CPU seconds of comparing all pairs, and each query's candidates, (query id, tier), sorted."""
    start = time.process_time()
    found = []
    for query in meanings:
        tiers = ((other.query_id, tier(query, other)) for other in meanings)
        found.append(sorted((name, number) for name, number in tiers if number is not None))
    return time.process_time() - start, found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=1_000_000)
    most = parser.parse_args().most
    guard = Guard(Lexicon())
    print(
        f"{'captions':>10} {'sampler s':>10} {'us/(n log n)':>13} {'MiB':>6} {'all pairs s':>12} {'ratio':>8}  same candidates"
    )
    for count in (500, 1000, 2000):
        meanings = captions(count)
        ours = sampled(meanings, guard)
        peer, expected = brute_force(meanings)
        print(f"{line(count, ours)} {peer:>12.2f} {peer / ours:>7.1f}x  {same_candidates(meanings, guard, expected)}")
    for count in (10_000, 30_000, 100_000, 300_000, 1_000_000):
        if count <= most:
            print(line(count, sampled(captions(count), guard)), flush=True)


def line(count: int, seconds: float) -> str:
    """Return a size's row: seconds, microseconds / (n log2 n), and the most memory that the process has held so far."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"{count:>10,} {seconds:>10.2f} {seconds / (count * math.log2(count)) * 1e6:>13.2f} {held:>6.0f}"


def same_candidates(meanings: list[Meaning], guard: Guard, expected: list[list[tuple[str, int]]]) -> bool:
    """Whether the first hundred queries find what comparing all pairs finds, where no list of postings is cut short."""
    index = Sampler(meanings, guard).index(seed=0, looked=len(meanings))
    return all(
        sorted((other.query_id, number) for other, _, number in index.candidates(query)) == expected[place]
        for place, query in enumerate(meanings[:100])
    )


if __name__ == "__main__":
    main()
