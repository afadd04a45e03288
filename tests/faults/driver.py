"""Run a command over and over, with its n-th write failing or ending it, for each n; what is left must be mended by running it again.

The command runs as itself, in a process of its own that is forked from one which has imported everything; its system calls fail
(`failing_writes.c`, preloaded), none of our code is replaced.
"""

import errno
import hashlib
import mmap
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_SOURCE = Path(__file__).with_name("failing_writes.c")
_STATE = "FAULTS_STATE"
_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command line to run in a folder. `outputs`: what it writes, relative to the folder; the rest must stay as it is."""

    name: str
    words: Sequence[str]
    outputs: Sequence[str]
    refuses: bool = False
    """Whether it refuses to be run where its output is."""
    apart: Sequence[str] = field(default_factory=tuple)
    """Names of files in the outputs that tell of time or place, and are not compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended: its exit status (negative: the signal), what it said on stderr, how many writes there were."""

    status: int
    said: str
    writes: int

    @property
    def fault(self) -> str | None:
        """What is wrong with how a run with a failing write ended, or None."""
        if "Traceback" in self.said or "Error" in self.said.split("error:")[0]:
            return f"a traceback: {self.said[-300:]!r}"
        lines = [line for line in self.said.splitlines() if line.startswith("error: ")]
        if self.status != 0 and len(lines) != 1:
            return f"exit status {self.status} with {len(lines)} lines of error: {self.said[-300:]!r}"
        return None


def compiler() -> str | None:
    """Return the C compiler that the preloaded library is built with, None where there is none or no such preloading."""
    return shutil.which("cc") if sys.platform == "linux" else None


def start(folder: Path) -> None:
    """Begin again in a process that has the library: to be called first by a program whose children's writes are to fail."""
    if _STATE in os.environ:
        return
    library, state = folder / "failing.so", folder / "state"
    subprocess.run([compiler() or "cc", "-shared", "-fPIC", "-O1", "-w", "-o", library, _SOURCE, "-ldl"], check=True)
    state.write_bytes(bytes(48))
    more = {"LD_PRELOAD": str(library), _STATE: str(state), "FAULTS_FOLDER": str(folder / "work")}
    raise SystemExit(
        subprocess.run([sys.executable, *sys.orig_argv[1:]], env={**os.environ, **more}, check=False).returncode
    )


class Runs:
    """Runs of commands in `folder`/work, with failing writes."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "work"
        self._file = open(os.environ[_STATE], "r+b")  # noqa: SIM115, PTH123
        self._state = mmap.mmap(self._file.fileno(), 48)

    def run(
        self,
        words: Sequence[str],
        *,
        at: int = 2**60,
        error: int = errno.ENOSPC,
        always: bool = False,
        kill: bool = False,
        after: float | None = None,
    ) -> Ended:
        """Run a command line; its `at`-th write fails with `error` (`always`: and all later ones), or ends it; `after`: it is killed then."""
        said = self.work.parent / "said"
        self._state[:] = struct.pack("6q", at, 0, error, always, kill, 0)
        child = os.fork()
        if child == 0:
            _be(words, self.work, said)
        status = _wait(child, after)
        writes = struct.unpack_from("q", self._state, 8)[0]
        self._state[:] = bytes(48)
        return Ended(status=status, said=said.read_text("utf-8", "replace"), writes=writes)


def _be(words: Sequence[str], work: Path, said: Path) -> None:
    os.setpgid(0, 0)
    os.chdir(work)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    status = 70
    try:
        from a2dsplus.cli import run

        sys.argv = ["a2dsplus", *words]
        run()
    except SystemExit as ended:
        status = int(ended.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _wait(child: int, after: float | None) -> int:
    ends = time.monotonic() + (_SECONDS if after is None else after)
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            break
        if time.monotonic() > ends:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            if after is None:
                return 99  # it hung
            break
        time.sleep(0.005)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # workers that outlived it
    return os.waitstatus_to_exitcode(status)


def tree(folder: Path, *, apart: Sequence[str] = ()) -> dict[str, str]:
    """Return {file: sha256} of a folder, or of a file, without `.a2dsplus` and the names of `apart`."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))] if folder.is_dir() else [folder]:
        name = path.relative_to(folder.parent).as_posix()
        if ".a2dsplus" in path.parts or path.name in apart or any(part in path.parts for part in apart):
            continue
        if path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif path.is_dir() and path != folder:
            found[name] = "folder"
    return found


def _outputs(work: Path, command: Command) -> dict[str, str]:
    return {
        name: sha
        for output in command.outputs
        if (work / output).exists()
        for name, sha in tree(work / output, apart=command.apart).items()
    }


def _clear(work: Path, command: Command) -> None:
    for output in command.outputs:
        path = work / output
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _inputs(work: Path, command: Command) -> dict[str, str]:
    return {
        name: sha
        for path in sorted(work.iterdir())
        if path.name not in command.outputs
        for name, sha in tree(path, apart=command.apart).items()
    }


def failures(
    runs: Runs, command: Command, *, error: int = errno.ENOSPC, always: bool = False, every: int = 1
) -> Iterator[tuple[int, str | None]]:
    """Yield (n, what went wrong or None) for each write of a command, or every so many-th."""
    work = runs.work
    _clear(work, command)
    whole = runs.run(command.words)
    assert whole.status == 0, whole.said
    right, inputs = _outputs(work, command), _inputs(work, command)
    assert right, command.name
    for number in range(1, whole.writes + 1, every):
        _clear(work, command)
        ended = runs.run(command.words, at=number, error=error, always=always)
        wrong = ended.fault or ("it hung" if ended.status == 99 else None)
        if ended.status == 0 and _outputs(work, command) != right:
            wrong = wrong or "exit status 0, and other bytes"
        left = [name for name in _inputs(work, command) if name not in inputs]
        if left or any(_inputs(work, command).get(name) != sha for name, sha in inputs.items()):
            wrong = wrong or f"it changed what is not its own: {left[:3]}"
        again = runs.run(command.words) if ended.status else ended
        if again.status != 0:
            wrong = wrong or f"run again: exit status {again.status}, {again.said[-300:]!r}"
        elif _outputs(work, command) != right:
            odd = sorted(set(_outputs(work, command).items()) ^ set(right.items()))
            wrong = wrong or f"run again: other bytes, {odd[:2]}"
        yield number, wrong


def kills(runs: Runs, command: Command, *, many: int, seed: int) -> Iterator[tuple[float, str | None]]:
    """Yield (seconds, what went wrong or None) for runs that are killed at random moments, and then run again."""
    work, chance = runs.work, random.Random(f"{seed} {command.name}")
    _clear(work, command)
    began = time.monotonic()
    whole = runs.run(command.words)
    lasts = time.monotonic() - began
    assert whole.status == 0, whole.said
    right = _outputs(work, command)
    for turn in range(many):
        _clear(work, command)
        told = 0.0
        for _ in range(chance.choice([1, 1, 2])):
            if turn % 2:
                told = chance.uniform(0, lasts)
                runs.run(command.words, after=told)
            else:
                told = -chance.randint(1, whole.writes)
                runs.run(command.words, at=int(-told), kill=True)
        if command.refuses and _outputs(work, command) == right:
            yield told, None  # it had been done before it was killed
            continue
        again = runs.run(command.words)
        wrong = None
        if again.status != 0:
            wrong = f"run again: exit status {again.status}, {again.said[-300:]!r}"
        elif _outputs(work, command) != right:
            wrong = f"run again: other bytes, {sorted(set(_outputs(work, command).items()) ^ set(right.items()))[:3]}"
        yield told, wrong
