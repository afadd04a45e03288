"""The scoring program of a Codabench benchmark: `a2dsplus score` on a submission.

    python3 run.py INPUT OUTPUT

INPUT/ref is the reference data (a dataset's ground truth), INPUT/res the submission; OUTPUT gets scores.json and detailed_results.html.
"""

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(given: Path, output: Path) -> int:
    """Score, write scores.json, return the exit status; a submission at fault is one line on stderr."""
    output.mkdir(parents=True, exist_ok=True)
    report = output / "figures.json"
    command: list[str | Path] = [sys.executable, "-m", "a2dsplus", "score", given / "res", "--dataset", given / "ref"]
    command += ["--json", report, "--html", output / "detailed_results.html"]
    missing = _needs_packages()
    if missing:
        print(f"installing {', '.join(missing)}", flush=True)
        done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"])
        if done.returncode:
            print(f"the docker image lacks {', '.join(missing)} and cannot install them", file=sys.stderr)
            return done.returncode
    done = subprocess.run(command, cwd=HERE)
    if done.returncode:
        return done.returncode
    figures = json.loads(report.read_text("utf-8"))["subsets"]
    names = json.loads((HERE / "columns.json").read_text("utf-8"))
    scores = {}
    for column in names:
        subset, _, figure = column.partition("_")
        value = figures.get(subset, {}).get(figure)
        if value is not None:
            scores[column] = value
    (output / "scores.json").write_text(json.dumps(scores, indent=1) + "\n", "utf-8")
    return 0


def _needs_packages() -> list[str]:
    from importlib.util import find_spec

    return [
        module for module in ("click", "jinja2", "numpy", "PIL", "pycocotools", "rich", "tqdm") if not find_spec(module)
    ]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()))
