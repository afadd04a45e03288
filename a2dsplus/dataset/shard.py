"""A shard of a run: every N-th item, beginning with the I-th, for N runs that share a file system and nothing else (a Slurm array)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from a2dsplus.errors import UsageError

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """The `number`-th of `count` shards, from 1. Raises UsageError."""

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise UsageError(f"--shard {self}: expected I/N with I from 1 to N")

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Return the shard of "I/N". Raises UsageError."""
        found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
        if found is None:
            raise UsageError(f"--shard {text}: expected I/N with I from 1 to N, such as 3/64")
        return cls(number=int(found[1]), count=int(found[2]))

    @property
    def name(self) -> str:
        """What its lock and its own files are called."""
        return f"shard-{self.number}-of-{self.count}"

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return the items that are this shard's."""
        return items[self.number - 1 :: self.count]
