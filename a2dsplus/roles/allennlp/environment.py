"""Building AllenNLP's own environment: `python a2dsplus/roles/allennlp/environment.py [FOLDER]` (`make allennlp`).

Needs CPython 3.10, and the standard library alone. Running it again does nothing while the requirements are the same.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PYTHON_VARIABLE = "A2DSPLUS_PYTHON310"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
CONSTRAINTS = Path(__file__).with_name("constraints.txt")
_CHECK = "import allennlp_models.structured_prediction.predictors.srl, allennlp; print(allennlp.__version__)"


def find_python() -> str | None:
    """Return a CPython 3.10 that runs, or None.

    Looked for: the one that A2DSPLUS_PYTHON310 names, `python3.10` on the path, pyenv's versions, uv's.
    """
    return next((candidate for candidate in _candidates() if _is_310(candidate)), None)


def build(folder: Path) -> str:
    """Make or complete the environment in `folder` and return AllenNLP's version.

    Raises RuntimeError with one line where there is no CPython 3.10 or the installation fails.
    """
    stamp = folder / ".requirements"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + CONSTRAINTS.read_bytes()).hexdigest()
    python = folder / "bin" / "python"
    if not (stamp.is_file() and stamp.read_text() == wanted):
        chosen = find_python()
        if chosen is None:
            raise RuntimeError(
                f"no CPython 3.10 found; install one (pyenv install 3.10, uv python install 3.10) or name it in {PYTHON_VARIABLE}"
            )
        sys.stderr.write(f"AllenNLP into {folder} with {chosen} (some minutes, about 2 GB)\n")
        _run([chosen, "-m", "venv", str(folder)])
        files = ["--requirement", str(REQUIREMENTS), "--constraint", str(CONSTRAINTS)]
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *files])
    done = subprocess.run([str(python), "-c", _CHECK], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(f"{folder}: AllenNLP does not import there ({last}); remove the folder and try again")
    stamp.write_text(wanted)
    return done.stdout.strip().splitlines()[-1]


def _candidates() -> Iterator[str]:
    chosen = os.environ.get(PYTHON_VARIABLE)
    if chosen:
        yield chosen
    found = shutil.which("python3.10")
    if found:
        yield found
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    # A shim of pyenv's refuses to run a version that is not selected; the version's own program does not.
    for path in sorted(root.glob("versions/3.10*/bin/python3.10"), reverse=True):
        yield str(path)
    uv = shutil.which("uv")
    if uv:
        done = subprocess.run([uv, "python", "find", "3.10"], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            yield done.stdout.strip()


def _is_310(program: str) -> bool:
    try:
        done = subprocess.run(
            [program, "-c", "import sys, venv; print(sys.version_info[:2] == (3, 10))"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return False
    return done.stdout.strip() == "True"


def _run(command: list[str]) -> None:
    if subprocess.run(command, check=False).returncode:
        raise RuntimeError(f"failed: {' '.join(command)}")


def main() -> int:
    """Build the environment; 0 done, 1 not, the reason on stderr."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".venv-allennlp").absolute()
    try:
        version = build(folder)
    except RuntimeError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"AllenNLP {version} in {folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
