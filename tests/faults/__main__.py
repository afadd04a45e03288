"""Injected write failures, and kills, over every command that writes.

python -m tests.faults failures [NAME ...] [--every N] [--always] [--error EIO]
python -m tests.faults kills --many 50 [NAME ...]
"""

import argparse
import errno
import sys
import tempfile
import warnings
from pathlib import Path

from tests.faults import driver
from tests.faults.commands import COMMANDS, KILLED, prepare


def main() -> None:
    """Run it and print a line a command, then what went wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["failures", "kills"])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--many", type=int, default=50)
    parser.add_argument("--seed", type=int, default=16)
    parser.add_argument("--always", action="store_true")
    parser.add_argument("--error", default="ENOSPC")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="faults-"))
    folder.mkdir(exist_ok=True)
    sys.orig_argv += [] if given.folder else ["--folder", str(folder)]
    driver.start(folder)
    warnings.simplefilter("ignore")
    runs = driver.Runs(folder)
    prepare(runs)
    bad = 0
    chosen = [command for command in COMMANDS if not given.names or command.name in given.names]
    if given.what == "kills":
        chosen = [command for command in chosen if command.name in KILLED]
    for command in chosen:
        if given.what == "failures":
            found = list(
                driver.failures(
                    runs, command, error=getattr(errno, given.error), always=given.always, every=given.every
                )
            )
        else:
            found = [
                (0, wrong)
                for _, wrong in driver.kills(runs, command, many=-(-given.many // len(chosen)), seed=given.seed)
            ]
        wrong = [(number, told) for number, told in found if told]
        bad += len(wrong)
        print(f"{command.name:20} {len(found):5} {given.what}, {len(wrong)} wrong", flush=True)
        for number, told in wrong[:8]:
            print(f"    {number}: {told}", flush=True)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
