"""The efficiency table: what is run, and the arithmetic on its rows. No time is asserted."""

import json

import pytest
import torch
from click.testing import CliRunner

from a2dsplus.cli.bench import command
from a2dsplus.errors import UsageError
from locater import ConfigError, LocaterConfig, Session, bench
from locater.bench import Row

torch.set_num_threads(1)


def test_growth_and_crossing_of_known_rows() -> None:
    rows = [Row(10, 4.0, None, 2.0, None), Row(20, 4.0, None, 3.0, None), Row(30, 4.2, None, 5.2, None)]
    assert bench.growth(rows) == pytest.approx(0.05)
    assert bench.crossing(rows) == pytest.approx(25)  # -1 at 20, +1 at 30
    assert bench.crossing([Row(20, 1.0, None, 2.0, None), Row(30, 1.0, None, 3.0, None)]) == pytest.approx(10)
    assert bench.crossing(rows[:2]) is None
    assert bench.crossing([Row(10, 1.0, None, None, None)]) is None


def test_the_whole_network_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    advance = Session.advance
    monkeypatch.setattr(Session, "advance", lambda self, tokens: seen.append(len(tokens)) or advance(self, tokens))
    small = LocaterConfig(image_size=32, dim=24, heads=2, vision_depth=1, modules=1, vocabulary=64, word_dim=8)
    assert bench.frame_rate(small, frames=5) > 0
    assert len(seen) == 2 * 5  # every frame, in both runs


def test_the_command_prints_every_length() -> None:
    arguments = ["--frames", "3,6", "--tokens", "16", "--dim", "24", "--heads", "2"]
    result = CliRunner().invoke(command, [*arguments, "--json"], catch_exceptions=False)
    rows = json.loads(result.stdout)
    assert [row["frames"] for row in rows] == [3, 6]
    assert all(value > 0 for row in rows for value in row.values())
    result = CliRunner().invoke(command, [*arguments, "--memory-only"], catch_exceptions=False)
    assert result.stdout.splitlines()[0].split()[:3] == ["frames", "memory", "released"]
    assert "-" in result.stdout.splitlines()[1].split()


def test_wrong_usage_is_one_line() -> None:
    for arguments in (
        ["--frames", "many"],
        ["--tokens", "15"],
        ["--threads", "0"],
        ["--frames", "1"],
        ["--device", "nowhere"],
    ):
        with pytest.raises(UsageError):
            CliRunner().invoke(command, arguments, catch_exceptions=False)
    with pytest.raises(ConfigError):
        bench.table_8g(dim=25, heads=2)
