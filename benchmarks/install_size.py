"""What each extra brings: packages and megabytes, of the packages installed here (with dependencies, without their compiled byte code).

    python benchmarks/install_size.py

An extra that is not installed whole is said so. A package counts once an extra, however many of its parts need it.
"""

import re
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path

from packaging.requirements import Requirement

EXTRAS = (
    "",
    "data",
    "roles",
    "build",
    "locater",
    "review",
    "train",
    "train-srl",
    "transformers",
    "ray",
    "postgres",
    "all",
)


def closure(extra: str) -> tuple[set[str], set[str]]:
    """Return the names of the packages that the base with an extra consists of, and of those that are not installed."""
    found: set[tuple[str, str]] = set()
    missing: set[str] = set()
    waiting = [("a2dsplus", extra)]
    while waiting:
        name, own = waiting.pop()
        if (name, own) in found or name in missing:
            continue
        try:
            lines = requires(name) or []
        except PackageNotFoundError:
            missing.add(name)
            continue
        found.add((name, own))
        for line in lines:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": own}) or needed.marker.evaluate({"extra": ""}):
                other = re.sub(r"[-_.]+", "-", needed.name).lower()
                waiting += [(other, wanted) for wanted in (needed.extras or {""})]
    return {name for name, _ in found}, missing


def megabytes(name: str) -> float:
    """Return the size of a package's files; of the toolkit itself, of its wheel's folders."""
    if name == "a2dsplus":
        root = Path(__file__).parent.parent
        folders = [root / folder for folder in ("a2dsplus", "locater", "annotations", "review_ui")]
        files = [file for folder in folders for file in folder.rglob("*")]
    else:
        package = distribution(name)
        files = [Path(str(package.locate_file(file))) for file in package.files or ()]
    return sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".pyc") / 1e6


def main() -> None:
    """Print the table."""
    print("| extra | packages | MB | not installed here |\n| --- | ---: | ---: | --- |")
    for extra in EXTRAS:
        names, missing = closure(extra)
        size = sum(map(megabytes, names))
        print(f"| {extra or 'none'} | {len(names)} | {size:,.0f} | {', '.join(sorted(missing))} |")


if __name__ == "__main__":
    main()
