"""Damage the inputs of every reader, many times, each in a bounded child process, and count what comes of it.

    python -m tests.corpus.trial --inputs 1000 --seed 16 [--reader NAME ...]

An input is the seed, the reader and a number: `--only N` repeats one. A child that says nothing for a while is a hang and is ended; what an
input takes beyond 2 GiB is told; memory as a whole is limited.
"""

import argparse
import json
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from a2dsplus.errors import A2dsplusError

PEAK = 2 * 2**30
SECONDS = 60.0
KINDS = ("same", "other", "line", "silent", "traceback", "bad line", "hang", "peak", "died")
FAULTS = ("silent", "traceback", "bad line", "hang", "peak", "died")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an input came to. `same`: read as before; `other`: read as something else, which it may be; `silent`: so, where that can be known."""

    number: int
    kind: str
    told: str = ""
    peak: int = 0
    file: str = ""


def outcomes(name: str, *, inputs: range, seed: int) -> Iterator[Outcome]:
    """Yield the outcome of every input of a reader."""
    context = multiprocessing.get_context("spawn")
    at = inputs.start
    while at < inputs.stop:
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_child, args=(name, range(at, inputs.stop), seed, theirs), daemon=True)
        child.start()
        theirs.close()
        try:
            while at < inputs.stop:
                if not ours.poll(SECONDS if at > inputs.start else 3 * SECONDS):
                    yield Outcome(number=at, kind="hang")
                    break
                found = ours.recv()
                if isinstance(found, str):
                    raise RuntimeError(found)
                if isinstance(found, Outcome):
                    yield found
                    at = found.number + 1
        except EOFError:
            child.join()
            yield Outcome(number=at, kind="died", told=f"exit status {child.exitcode}")
        if at < inputs.stop:  # a hang or a death: go on behind it
            at += 1
        child.kill()
        child.join()


def _child(name: str, numbers: range, seed: int, pipe: Any) -> None:
    warnings.simplefilter("ignore")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what codecs and libpng grumble
    import torch

    from tests.corpus.readers import READERS

    torch.set_num_threads(1)
    reader = next(reader for reader in READERS if reader.name == name)
    try:
        _try_all(reader, numbers, seed, pipe)
    except BaseException:
        pipe.send(traceback.format_exc())
    pipe.close()


def _try_all(reader: Any, numbers: range, seed: int, pipe: Any) -> None:
    from tests.corpus import mutations

    with tempfile.TemporaryDirectory(prefix="mutate-") as top:
        good, place = Path(top) / "good", Path(top) / "place"
        good.mkdir()
        reader.make(good)
        shutil.copytree(good, place, symlinks=True)
        right = reader.read(place)
        shutil.rmtree(place)
        shutil.copytree(good, place, symlinks=True)
        files = [
            (path.relative_to(good), mutation)
            for glob, mutation in reader.files.items()
            for path in sorted(good.glob(glob))
        ]
        assert files, reader.name
        resource.setrlimit(resource.RLIMIT_AS, (_status("VmSize") + 8 * 2**30,) * 2)
        for number in numbers:
            chance = random.Random(f"{seed} {reader.name} {number}")
            file, mutation = chance.choice(files)
            if reader.placed and chance.random() < 0.03:
                mutations.place(place / file, chance)
            else:
                (place / file).write_bytes(mutation((place / file).read_bytes(), chance))
            pipe.send(number)
            Path("/proc/self/clear_refs").write_text("5")
            kind, told = _tried(reader, place, right, file)
            peak = _status("VmHWM")
            if peak > PEAK and kind not in FAULTS:
                kind = "peak"
            pipe.send(Outcome(number=number, kind=kind, told=told, peak=peak, file=str(file)))
            if reader.writes:
                shutil.rmtree(place)
                shutil.copytree(good, place)
            else:
                _put_back(good / file, place / file)


def _put_back(good: Path, path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)
    shutil.copy2(good, path)


def _tried(reader: Any, place: Path, right: object, file: Path) -> tuple[str, str]:
    try:
        found = reader.read(place)
    except A2dsplusError as error:
        line = str(error)
        if "\n" in line or len(line) > 1000 or not line.isprintable() or not line:
            return "bad line", line
        return "line", line.replace(str(place), "")
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "/a2dsplus/" in frame.filename or "/locater/" in frame.filename]
        last = (ours or list(frames))[-1]
        return (
            "traceback",
            f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno} {last.name}: {str(error)[:150]!r}",
        )
    if found == right:
        return "same", ""
    return ("silent" if reader.sealed else "other"), ""


def _status(name: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def main() -> None:
    """Run it and print a line a reader, then each kind of fault once."""
    from tests.corpus.readers import READERS

    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=16)
    parser.add_argument("--reader", action="append", default=[])
    parser.add_argument("--only", type=int)
    parser.add_argument("--lines", action="store_true", help="print every line that was said as well")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    every: dict[str, Any] = {}
    total: Counter[str] = Counter()
    print(f"{'reader':26}{'inputs':>7}" + "".join(f"{kind:>10}" for kind in KINDS) + f"{'peak MiB':>10}", flush=True)
    for reader in READERS:
        if given.reader and not any(part in reader.name for part in given.reader):
            continue
        numbers = range(given.inputs) if given.only is None else range(given.only, given.only + 1)
        counts: Counter[str] = Counter()
        faults: dict[str, list[int]] = {}
        peak = 0
        for found in outcomes(reader.name, inputs=numbers, seed=given.seed):
            counts[found.kind] += 1
            peak = max(peak, found.peak)
            if found.kind in FAULTS:
                faults.setdefault(f"{found.kind}: {found.file}: {found.told}"[:400], []).append(found.number)
            elif given.lines and found.told:
                print(f"  {found.number}: {found.told}")
        total += counts
        every[reader.name] = {**{kind: counts[kind] for kind in KINDS}, "peak": peak, "faults": faults}
        print(
            f"{reader.name:26}{sum(counts.values()):>7}"
            + "".join(f"{counts[kind]:>10}" for kind in KINDS)
            + f"{peak // 2**20:>10}",
            flush=True,
        )
        for told, numbers_of in faults.items():
            print(f"    {told} [{len(numbers_of)}x, first {numbers_of[0]}]", flush=True)
    print(f"{'all':26}{sum(total.values()):>7}" + "".join(f"{total[kind]:>10}" for kind in KINDS))
    if given.json:
        given.json.write_text(json.dumps(every, indent=1) + "\n")
    sys.exit(1 if any(total[kind] for kind in FAULTS) else 0)


if __name__ == "__main__":
    main()
