"""`python -m a2dsplus`."""

from a2dsplus.cli import run

run()
