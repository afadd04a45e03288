"""The efficiency table: what is run, and the arithmetic on its rows. No time is asserted."""

import json

import pytest
import torch
from click.testing import CliRunner

from a2dsplus.cli.bench import command
from a2dsplus.errors import UsageError
from locater import ConfigError, bench
from locater.bench import Row

torch.set_num_threads(1)


def test_growth_and_crossing_of_known_rows() -> None:
    rows = [Row(10, 4.0, None, 2.0, None), Row(20, 4.0, None, 3.0, None), Row(30, 4.2, None, 5.2, None)]
    assert bench.growth(rows) == pytest.approx(0.05)
    assert bench.crossing(rows) == pytest.approx(25)  # -1 at 20, +1 at 30
    assert bench.crossing([Row(20, 1.0, None, 2.0, None), Row(30, 1.0, None, 3.0, None)]) == pytest.approx(10)
    assert bench.crossing(rows[:2]) is None
    assert bench.crossing([Row(10, 1.0, None, None, None)]) is None


def test_both_attentions_of_the_peer_are_one_block() -> None:
    torch.manual_seed(0)
    fused, plain = (bench.TransformerBlock(24, 2, fused=kind).eval() for kind in (True, False))
    plain.load_state_dict(fused.state_dict())
    x = torch.randn(1, 40, 24)
    with torch.inference_mode():
        torch.testing.assert_close(fused(x), plain(x), atol=1e-5, rtol=1e-5)


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
    for arguments in (["--frames", "many"], ["--tokens", "15"], ["--threads", "0"], ["--frames", "1"]):
        with pytest.raises(UsageError):
            CliRunner().invoke(command, arguments, catch_exceptions=False)
    with pytest.raises(ConfigError):
        bench.table_8g(dim=25, heads=2)
