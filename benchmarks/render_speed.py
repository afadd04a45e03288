"""Rendering S and T against the ffmpeg command line doing the same scale, hstack and concat, on the same cores.

    python benchmarks/render_speed.py ROOT [--samples 40]      ROOT: an A2D-Sentences folder, clips at their real size

Same codec (libx264), preset, crf and pixel format. Two peers: ffmpeg as one types it (one sample after the other, its own threads), and
ffmpeg at its best (as many processes at a time as there are cores, one thread each). Also printed: our peak memory, over all processes.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from a2dsplus.compose.geometry import composite, panels
from a2dsplus.compose.render import Rendering, render
from a2dsplus.engine import LocalEngine
from a2dsplus.records import Clip, Layout, Order, Sample
from a2dsplus.sources.a2d import A2dSource

# the defaults of a2dsplus.media.clips.encode
_PRESET, _CRF = "veryfast", 18
CORES = len(os.sched_getaffinity(0))


def samples_of(root: Path, count: int) -> tuple[dict[str, Clip], list[Sample]]:
    """Return `count` S and T samples of neighbouring queries, and their clips."""
    source = A2dSource(root)
    queries = source.listing("test").queries
    videos = {query.video_id: source.footage(query.video_id) for query in queries}
    clips = {video: found.clip for video, found in videos.items()}
    annotations = {video: found.annotations for video, found in videos.items()}
    made: list[Sample] = []
    for query, other in zip(queries, queries[9:] + queries[:9], strict=True):
        if query.video_id != other.video_id and len(made) < count:
            for layout in (Layout.SPATIAL, Layout.TEMPORAL):
                made.append(
                    composite(layout, query, other, clips=clips, annotations=annotations, order=Order.QUERY_FIRST)
                )
    return clips, made


def command(sample: Sample, clips: dict[str, Clip], out: Path, threads: Sequence[str]) -> list[str]:
    """Return the ffmpeg command line that makes the same video."""
    assert sample.query is not None and sample.contrast is not None
    query, contrast = clips[sample.query.video_id], clips[sample.contrast.video_id]
    _, panel = panels(sample)
    assert panel is not None
    scale = f"[1:v]scale={panel.width}:{panel.height}:flags=bicubic"
    if sample.subset == "S":
        pad = max(0, query.frames - contrast.frames)
        graph = f"{scale},setsar=1,setpts=N/({query.rate})/TB,tpad=stop_mode=clone:stop={pad}[c];[0:v]setsar=1[q];[q][c]hstack"
    else:
        stretch = query.frames / contrast.frames
        graph = f"{scale},setsar=1,setpts=PTS*{stretch:.6f},fps={query.rate}[c];[0:v]setsar=1[q];[q][c]concat=n=2:v=1"
    codec = [
        "-c:v",
        "libx264",
        "-preset",
        _PRESET,
        "-crf",
        str(_CRF),
        "-pix_fmt",
        "yuv420p",
        "-frames:v",
        str(sample.frames),
    ]
    inputs = ["-i", str(query.path), "-i", str(contrast.path)]
    return [
        "ffmpeg",
        "-v",
        "error",
        "-y",
        *threads,
        *inputs,
        "-filter_complex",
        graph,
        *codec,
        *threads,
        "-an",
        str(out),
    ]


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of wall time."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        sys.exit("ffmpeg is not installed: apt-get install ffmpeg")
    clips, samples = samples_of(args.root, args.samples)

    print(
        f"{CORES} cores, {len(samples)} samples, preset {_PRESET}, crf {_CRF}; medians of {args.rounds} rounds in turn"
    )
    print(f"{'':10}{'frames':>8}{'ours fps':>10}{'ffmpeg fps':>12}{'ratio':>7}{'ffmpeg, parallel':>18}{'ratio':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for subset in ("S", "T"):
            chosen = [sample for sample in samples if sample.subset == subset]
            times: dict[str, list[float]] = {"ours": [], "ffmpeg": [], "parallel": []}
            for number in range(args.rounds):
                out = Path(folder) / f"{subset}{number}"
                out.mkdir()

                def ours(out: Path = out, chosen: list[Sample] = chosen) -> None:
                    journal = out / "journal"
                    result = render(
                        out,
                        chosen,
                        clips,
                        rendering=Rendering(),
                        journal=journal,
                        stamps=dict.fromkeys(clips, ""),
                        engine=LocalEngine(workers=CORES),
                    )
                    assert result.made == len(chosen)

                def ffmpeg(
                    at_once: int, threads: Sequence[str], out: Path = out, chosen: list[Sample] = chosen
                ) -> None:
                    jobs = [command(sample, clips, out / f"{sample.sample_id}.mp4", threads) for sample in chosen]
                    with ThreadPoolExecutor(at_once) as pool:
                        list(pool.map(lambda job: subprocess.run(job, check=True), jobs))

                times["ours"].append(timed(ours))
                times["ffmpeg"].append(timed(lambda: ffmpeg(1, [])))
                times["parallel"].append(timed(lambda: ffmpeg(CORES, ["-threads", "1", "-filter_threads", "1"])))
                shutil.rmtree(out)
            frames = sum(sample.frames for sample in chosen)
            ours_s, ffmpeg_s, parallel_s = (
                sorted(times[name])[args.rounds // 2] for name in ("ours", "ffmpeg", "parallel")
            )
            print(
                f"{subset:10}{frames:>8}{frames / ours_s:>10.0f}{frames / ffmpeg_s:>12.0f}{ffmpeg_s / ours_s:>6.2f}x"
                f"{frames / parallel_s:>18.0f}{parallel_s / ours_s:>6.2f}x"
            )
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"peak memory: parent {own // 1024} MiB, largest child process {worker // 1024} MiB")


if __name__ == "__main__":
    main()
