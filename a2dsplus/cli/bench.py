"""`a2dsplus bench`: what a frame costs in the memory and in a Transformer block (Table 8g), and in the whole network (Table 3)."""

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from locater.bench import Row


@click.command()
@click.option("--frames", default="15,30,50,80,100", show_default=True, help="Video lengths, separated by commas.")
@click.option("--tokens", default=256, show_default=True, help="Tokens a frame; a square number.")
@click.option("--dim", default=768, show_default=True, help="Width of a token.")
@click.option("--heads", default=12, show_default=True, help="Heads of the Transformer block.")
@click.option("--threads", default=1, show_default=True, help="CPU threads.")
@click.option("--memory-only", is_flag=True, help="Leave the Transformer blocks out; they take most of the time.")
@click.option("--device", default="cpu", show_default=True, help="Where it runs, such as cuda:0.")
@click.option(
    "--fps",
    type=click.Choice(["paper", "paper-literal", "released", "rvos"]),
    help="Instead: frames a second of this whole network, 16 frames of 512 x 512 and 20 words (Table 3). Minutes on a CPU.",
)
@click.option("--size", default=512, show_default=True, help="Side of the frames of --fps.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(
    frames: str,
    tokens: int,
    dim: int,
    heads: int,
    threads: int,
    memory_only: bool,
    device: str,
    fps: str | None,
    size: int,
    as_json: bool,
) -> None:
    """Measure the memory module against one Transformer block over all tokens of a video (Table 8g), or the whole network (Table 3).

    Prints milliseconds a frame at each length: the paper's memory, the released memory in
    closed form, the block with fused and with materialised attention. Takes about four minutes on a CPU.
    """
    import torch

    from a2dsplus.errors import UsageError
    from locater import LocaterConfig, bench
    from locater.errors import ConfigError

    try:
        lengths = [int(part) for part in frames.split(",")]
    except ValueError:
        raise UsageError(f"--frames is {frames!r}, expected whole numbers separated by commas") from None
    if threads < 1:
        raise UsageError(f"--threads is {threads}, expected at least 1")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        if fps is not None:
            rate = bench.frame_rate(LocaterConfig.preset(fps, image_size=size), device=device)
            line = f"{fps} on {device}: {rate:.3g} frames a second, 16 frames of {size} x {size}, 20 words (Table 3's LOCATER: 10.11)"
            click.echo(json.dumps({"preset": fps, "frames_a_second": rate}) if as_json else line)
            return
        rows = bench.table_8g(
            frames=lengths, tokens=tokens, dim=dim, heads=heads, peers=not memory_only, device=device,
            progress=lambda line: click.echo(line, err=True),
        )  # fmt: skip
    except ConfigError as error:
        raise UsageError(str(error)) from None
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"--device {device}: cannot be used ({str(error).splitlines()[0]})") from error
    finally:
        torch.set_num_threads(before)
    if as_json:
        click.echo(json.dumps([row._asdict() for row in rows], indent=2))
        return
    click.echo(text(rows))


def text(rows: "list[Row]") -> str:
    """Return the measured rows as a table, with the growth and the crossing below."""
    from locater import bench

    lines = [f"{'frames':>8} {'memory':>10} {'released':>10} {'fused':>10} {'materialised':>13}   ms a frame"]
    for row in rows:
        cells = [f"{value:.2f}" if value is not None else "-" for value in row[1:]]
        lines.append(f"{row.frames:>8} {cells[0]:>10} {cells[1]:>10} {cells[2]:>10} {cells[3]:>13}")
    lines.append(f"memory, from {rows[0].frames} to {rows[-1].frames} frames: {100 * bench.growth(rows):+.1f}%")
    at = bench.crossing(rows)
    if at is not None:
        lines.append(f"the fused block costs more than the memory from {at:.0f} frames on")
    return "\n".join(lines)
