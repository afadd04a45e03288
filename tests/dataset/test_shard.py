"""Shards: every item is one shard's, and what is no shard is one clear line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a2dsplus.dataset.shard import Shard
from a2dsplus.errors import UsageError


@given(st.integers(0, 50), st.integers(1, 60))
def test_every_item_is_one_shard_s(many: int, count: int) -> None:
    items = list(range(many))
    shares = [Shard(number=number, count=count).share(items) for number in range(1, count + 1)]
    assert sorted(item for share in shares for item in share) == items
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_a_shard_is_read_as_it_is_written() -> None:
    assert str(Shard.parse("3/64")) == "3/64"
    assert Shard.parse("3/64").name == "shard-3-of-64"


@pytest.mark.parametrize("text", ["5/4", "0/4", "1/0", "3", "a/b", "-1/4", "1/4/2", "", "1/9999999"])
def test_what_is_no_shard_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--shard .*: expected I/N with I from 1 to N"):
        Shard.parse(text)
