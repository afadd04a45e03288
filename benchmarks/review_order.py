"""How many pairs a reviewer sees before 90% of the faulty ones have come, by doubt and in random order.

    python benchmarks/review_order.py --dataset a2d-test --judged pairs_judged.tsv

`--dataset` is the test split of A2D-Sentences, built with any pairs: its captions and roles are used. `--judged` lists pairs with a verdict of
somebody who read all captions: columns query_id, contrast_query_id, judgement (excluded, plausible, answered). The order is the page's own,
with its stretches in which each reviewer has an order of his own; random orders are the mean of a hundred.
"""

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from a2dsplus.contrast.entailment import Guard, Lexicon
from a2dsplus.contrast.meaning import meaning
from a2dsplus.contrast.sampler import Sampler
from a2dsplus.dataset.tables import read_queries, read_roles
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.review.queue import STRETCH

_REVIEWERS = 100


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, required=True)
    parser.add_argument("--judged", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.9, help="of the faulty pairs that are to have come")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(Workspace.open(options.dataset), options.judged, options.share)
    print(json.dumps(found, indent=1) if options.json else table(found))


def measure(workspace: Workspace, judged: Path, share: float) -> dict[str, Any]:
    """Return {"pairs", "faults": {kind: {"number", "by doubt", "random"}}}: pairs seen until `share` of a kind have come, median."""
    roles = read_roles(workspace)
    meanings = {q.query_id: meaning(q, roles.get(q.query_id, ())) for q in read_queries(workspace)}
    sampler = Sampler(list(meanings.values()), Guard(Lexicon()))
    with judged.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["query_id"] in meanings]
    pairs = [sampler.pair(meanings[row["query_id"]], meanings[row["contrast_query_id"]]) for row in rows]
    place = np.empty(len(pairs), np.int64)
    place[np.lexsort(([-pair.doubt for pair in pairs], [pair.grade == "excluded" for pair in pairs]))] = range(
        len(pairs)
    )
    verdicts = np.array([row["judgement"] for row in rows])
    kinds = {"answered": verdicts == "answered", "answered or plausible": verdicts != "excluded"}
    found: dict[str, Any] = {"pairs": len(pairs), "share": share, "faults": {}}
    for name, is_fault in kinds.items():
        seen: dict[str, list[int]] = {"by doubt": [], "random": []}
        for reviewer in range(_REVIEWERS):
            drawn = np.random.default_rng([0, reviewer]).permutation(len(pairs))
            seen["by doubt"].append(_seen(is_fault[np.lexsort((drawn, place // STRETCH))], share))
            seen["random"].append(_seen(is_fault[drawn], share))
        medians = {order: float(np.median(numbers)) for order, numbers in seen.items()}
        found["faults"][name] = {"number": int(is_fault.sum()), **medians}
    return found


def _seen(is_fault: npt.NDArray[np.bool_], share: float) -> int:
    come = np.cumsum(is_fault)
    return 1 + int(np.searchsorted(come, np.ceil(share * come[-1])))


def table(found: dict[str, Any]) -> str:
    """Return the figures as text."""
    said = [
        f"{found['pairs']} judged pairs; seen until {found['share']:.0%} of them have come: by doubt, in random order"
    ]
    for name, row in found["faults"].items():
        said.append(f"{name:24} {row['number']:4}  {row['by doubt']:6.0f} {row['random']:6.0f}")
    return "\n".join(said)


if __name__ == "__main__":
    main()
