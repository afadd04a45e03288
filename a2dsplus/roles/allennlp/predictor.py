"""AllenNLP itself, in its own Python 3.10 environment, as the reference for SRL archives.

`make allennlp` builds the environment; words and predicates go to it over a pipe as JSON lines (`worker.py`).
"""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from a2dsplus.errors import ModelError
from a2dsplus.roles.srl.archive import open_archive
from a2dsplus.roles.srl.wordpieces import WordPieces

PYTHON_VARIABLE = "A2DSPLUS_ALLENNLP_PYTHON"
_WORKER = Path(__file__).with_name("worker.py")


def find_python() -> Path | None:
    """Return the interpreter of AllenNLP's environment, or None where it has not been built.

    It is the one that A2DSPLUS_ALLENNLP_PYTHON names, or `.venv-allennlp/bin/python` of the working folder or the checkout.
    """
    chosen = os.environ.get(PYTHON_VARIABLE)
    if chosen:
        return Path(chosen)
    for root in (Path.cwd(), Path(__file__).resolve().parents[3]):
        found = root / ".venv-allennlp" / "bin" / "python"
        if found.exists():
            return found
    return None


class AllenNlpTagger:
    """The genuine predictor over an archive; words and predicates are the caller's.

    The archive is checked and read as the native runtime does; AllenNLP gets the same configuration, labels and weights, with the
    BERT model's name replaced by a local folder, so that it asks no network for a vocabulary. `threads`: of torch; 0 leaves it its
    own choice. Raises ModelError where the environment is missing or AllenNLP refuses the archive.
    """

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        python = find_python()
        if python is None:
            raise ModelError(
                f"allennlp:{path}: AllenNLP's environment is not built; run `make allennlp` in the checkout (CPython 3.10),"
                f" or name its interpreter in {PYTHON_VARIABLE}; --srl {path} runs the archive without AllenNLP"
            )
        self._path = path
        folder = Path(tempfile.mkdtemp(prefix="a2dsplus-allennlp-"))
        leave = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._pieces, self._most = _lay_out(path, folder)
        self._log = folder / "log"
        environment = {
            **os.environ,
            "TRANSFORMERS_OFFLINE": "1",
            "HF_DATASETS_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        environment.pop("PYTHONPATH", None)
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [str(python), "-I", str(_WORKER), str(folder / "model"), str(folder / "spacy"), str(threads)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    encoding="utf-8",
                    env=environment,
                    cwd=folder,
                )
        except OSError as error:
            leave()
            raise ModelError(f"{python}: cannot be run ({error.strerror}); run `make allennlp` again") from error
        leave.detach()
        self._stop = weakref.finalize(self, _stop, self._process, folder)
        self.seconds = 0.0
        try:
            self._receive()  # ready, or the reason why not
        except ModelError:
            self.close()
            raise

    def close(self) -> None:
        """End the process; it also ends with the tagger."""
        self._stop()

    def fits(self, words: Sequence[str]) -> bool:
        """Return whether a sentence's word pieces are no more than the encoder's positions."""
        return len(self._pieces.encode(words).ids) <= self._most

    def tag(
        self, sentences: Sequence[Sequence[str]], predicates: Sequence[Sequence[int]] | None = None, *, batch: int = 32
    ) -> list[list[tuple[int, list[str]]]]:
        """Return AllenNLP's tags for each predicate of each sentence. `batch`: sentences a call of its predictor.

        `seconds` tells afterwards how long the predictor took, the pipe left out.
        """
        if predicates is None:
            raise ModelError("AllenNLP's model finds no predicates; they must be given")
        frames = self._ask(sentences, predicates, probabilities=False, batch=batch)
        return [[(frame["predicate"], frame["tags"]) for frame in row] for row in frames]

    def probabilities(
        self, sentences: Sequence[Sequence[str]], predicates: Sequence[Sequence[int]]
    ) -> list[list[tuple[int, list[str], np.ndarray]]]:
        """Return (predicate, tags, class probabilities float32 (pieces, labels)) for each predicate of each sentence."""
        frames = self._ask(sentences, predicates, probabilities=True, batch=1)
        return [
            [(frame["predicate"], frame["tags"], np.array(frame["probabilities"], np.float32)) for frame in row]
            for row in frames
        ]

    def _ask(
        self,
        sentences: Sequence[Sequence[str]],
        predicates: Sequence[Sequence[int]],
        *,
        probabilities: bool,
        batch: int,
    ) -> list[list[dict[str, Any]]]:
        request = {
            "sentences": [list(words) for words in sentences],
            "predicates": [sorted(set(row)) for row in predicates],
            "probabilities": probabilities,
            "batch": batch,
        }
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the process has ended: reading says why
        answer = self._receive()
        self.seconds = float(answer["seconds"])
        frames: list[list[dict[str, Any]]] = answer["frames"]
        return frames

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            log = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
            last = next((row.strip() for row in reversed(log.splitlines()) if row.strip()), "no message")
            raise ModelError(
                f"allennlp:{self._path}: AllenNLP ended with status {self._process.returncode} ({last[:300]})"
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ModelError(f"allennlp:{self._path}: {answer['error']}")
        return answer


def _lay_out(path: Path, folder: Path) -> tuple[WordPieces, int]:
    """Write the archive as AllenNLP's serialization folder and a BERT folder; return its pieces and positions."""
    opened = open_archive(path)
    bert = folder / ("bert-uncased" if opened.pieces.lower else "bert-as-written")
    model = folder / "model"
    (model / "vocabulary").mkdir(parents=True)
    bert.mkdir()
    shape = asdict(opened.shape)
    (bert / "config.json").write_text(json.dumps({"model_type": "bert", **shape}), encoding="utf-8")
    (bert / "vocab.txt").write_text("\n".join(opened.pieces.pieces) + "\n", encoding="utf-8")
    config = opened.config
    for reader in ("dataset_reader", "validation_dataset_reader"):
        if isinstance(config.get(reader), dict):
            config[reader]["bert_model_name"] = str(bert)
    config["model"]["bert_model"] = shape
    (model / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for name, content in opened.members.items():
        if name == "weights.th" or (name.startswith("vocabulary/") and name.count("/") == 1):
            (model / name).write_bytes(content)
    return opened.pieces, opened.shape.max_position_embeddings


def _stop(process: "subprocess.Popen[str]", folder: Path) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):  # it has ended with something still unsent
                pipe.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    shutil.rmtree(folder, ignore_errors=True)
