"""AllenNLP's SRL predictor behind a pipe: JSON lines in, JSON lines out.

Run by `a2dsplus.roles.allennlp.predictor` in AllenNLP's own Python 3.10 environment, where the toolkit is not installed: this file imports
nothing of it, and keeps to what Python 3.10 knows.

    allennlp_worker.py SERIALIZATION_DIR SPACY_DIR [THREADS]

    {"sentences": [["a", "dog", "runs"]], "predicates": [[2]], "probabilities": false, "batch": 32}
    {"frames": [[{"predicate": 2, "tags": ["B-ARG0", "I-ARG0", "B-V"]}]], "seconds": 0.1}
"""

import json
import os
import sys
import time
from typing import Any


class _Given:
    """Stands in for the predictor's tokeniser: words and part-of-speech tags are given, not found."""

    def __init__(self) -> None:
        self.tokens: dict[str, list[Any]] = {}

    def tokenize(self, key: str) -> list[Any]:
        return self.tokens[key]


def main() -> None:
    """Serve requests until the pipe closes."""
    # Libraries print what they like; the real standard output carries answers alone.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        predictor, reader = load(*sys.argv[1:])
    except Exception as error:  # whatever it is, the other side must hear of it
        _answer(answers, {"error": f"{type(error).__name__}: {error}"})
        return
    _answer(answers, {"ready": True})
    for line in sys.stdin:
        try:
            answer = serve(json.loads(line), predictor, reader)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        _answer(answers, answer)


def load(folder: str, spacy_folder: str, threads: str = "0") -> Any:
    """Return AllenNLP's predictor over the model in `folder`, and its tokeniser's stand-in."""
    import spacy
    import torch
    from allennlp.models.archival import load_archive  # type: ignore[import-not-found]
    from allennlp_models.structured_prediction.predictors.srl import (  # type: ignore[import-not-found]
        SemanticRoleLabelerPredictor,
    )

    # The predictor wants a pipeline's name and would download it; an empty one of its own spaCy does.
    spacy.blank("en").to_disk(spacy_folder)
    if int(threads):
        torch.set_num_threads(int(threads))
    archive = load_archive(folder, cuda_device=-1)
    archive.model.eval()
    predictor = SemanticRoleLabelerPredictor(archive.model, archive.validation_dataset_reader, language=spacy_folder)
    given = _Given()
    predictor._tokenizer = given
    return predictor, given


def serve(request: dict[str, Any], predictor: Any, given: _Given) -> dict[str, Any]:
    """Return the frames of a request's sentences, and the seconds that the predictor took."""
    from allennlp.data.tokenizers import Token  # type: ignore[import-not-found]

    sentences = request["sentences"]
    keys = [str(index) for index in range(len(sentences))]
    given.tokens = {
        key: [Token(text=word, pos_="VERB" if place in set(chosen) else "X") for place, word in enumerate(words)]
        for key, words, chosen in zip(keys, sentences, request["predicates"], strict=True)
    }
    frames: list[list[dict[str, Any]]] = []
    started = time.perf_counter()
    step = int(request.get("batch", 32))
    if request.get("probabilities"):
        for key, chosen in zip(keys, request["predicates"], strict=True):
            instances = predictor.tokens_to_instances(given.tokens[key])
            outputs = predictor._model.forward_on_instances(instances) if instances else []
            frames.append(
                [
                    {"predicate": place, "tags": out["tags"], "probabilities": _rows(out)}
                    for place, out in zip(sorted(chosen), outputs, strict=True)
                ]
            )
    else:
        for first in range(0, len(keys), step):
            part = keys[first : first + step]
            if step == 1:
                answers = [predictor.predict_json({"sentence": part[0]})]
            else:
                answers = predictor.predict_batch_json([{"sentence": key} for key in part])
            for key, answer in zip(part, answers, strict=True):
                chosen = sorted(request["predicates"][int(key)])
                frames.append(
                    [
                        {"predicate": place, "tags": verb["tags"]}
                        for place, verb in zip(chosen, answer["verbs"], strict=True)
                    ]
                )
    return {"frames": frames, "seconds": time.perf_counter() - started}


def _rows(output: dict[str, Any]) -> list[list[float]]:
    kept = int(output["mask"].sum())
    return [[float(value) for value in row] for row in output["class_probabilities"][:kept]]


def _answer(file: Any, answer: dict[str, Any]) -> None:
    file.write(json.dumps(answer) + "\n")
    file.flush()


if __name__ == "__main__":
    main()
