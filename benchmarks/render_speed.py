"""Rendering S and T against the ffmpeg command line doing the same scale, hstack and concat, on the same cores.

    python benchmarks/render_speed.py DATASET [--samples 40] [--rounds 3]      DATASET: made by `a2dsplus build --render none`

Same codec (libx264), preset, crf and pixel format. Two peers: ffmpeg as one types it (one sample after the other, its own threads), and
ffmpeg at its best (as many processes at a time as there are cores, one thread each). Ours also makes the fingerprints of the clips' frames.
Also printed: what merely decoding a clip's frames and taking their fingerprint cost, a frame; and our peak memory, over all processes.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from a2dsplus.compose.geometry import panels
from a2dsplus.compose.render import Rendering, render
from a2dsplus.dataset import samples_file, tables
from a2dsplus.dataset.workspace import Workspace
from a2dsplus.engine import LocalEngine, processors
from a2dsplus.media.clips import decode
from a2dsplus.media.fingerprint import fingerprint
from a2dsplus.records import Clip, Sample

# the defaults of a2dsplus.media.clips.encode
_PRESET, _CRF = "veryfast", 18
CORES = processors()


def command(sample: Sample, clips: dict[str, Clip], out: Path, threads: Sequence[str]) -> list[str]:
    """Return the ffmpeg command line that makes the same video; the query's clip comes first."""
    (query, contrast), (_, panel) = (clips[panel.video_id] for panel in panels(sample)), panels(sample)
    scale = f"[1:v]scale={panel.width}:{panel.height}:flags=bicubic"
    if sample.subset == "S":
        pad = max(0, query.frames - contrast.frames)
        graph = f"{scale},setsar=1,setpts=N/({query.rate})/TB,tpad=stop_mode=clone:stop={pad}[c];[0:v]setsar=1[q];[q][c]hstack"
    else:
        stretch = query.frames / contrast.frames
        graph = f"{scale},setsar=1,setpts=PTS*{stretch:.6f},fps={query.rate}[c];[0:v]setsar=1[q];[q][c]concat=n=2:v=1"
    codec = ["-c:v", "libx264", "-preset", _PRESET, "-crf", str(_CRF), "-pix_fmt", "yuv420p"]
    inputs = ["-i", str(query.path), "-i", str(contrast.path), "-filter_complex", graph]
    frames = ["-frames:v", str(sample.frames), "-an", str(out)]
    return ["ffmpeg", "-v", "error", "-y", *threads, *inputs, *codec, *threads, *frames]


def timed(work: Callable[[], object]) -> float:
    """Return the seconds of wall time."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def processor_time(work: Callable[[], object]) -> float:
    """Return the seconds of this process's processor time."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        sys.exit("ffmpeg is not installed: apt-get install ffmpeg")
    workspace = Workspace.open(args.dataset)
    clips = tables.read_clips(workspace)
    print(f"{CORES} cores, preset {_PRESET}, crf {_CRF}; medians of {args.rounds} rounds in turn")
    print(f"{'':10}{'frames':>8}{'ours fps':>10}{'ffmpeg fps':>12}{'ratio':>7}{'ffmpeg, parallel':>18}{'ratio':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for subset in ("S", "T"):
            chosen = list(samples_file.read(workspace.path(subset, samples_file.NAME)))[: args.samples]
            times: dict[str, list[float]] = {"ours": [], "ffmpeg": [], "parallel": []}
            for number in range(args.rounds):
                out = Path(folder) / f"{subset}{number}"
                out.mkdir()

                def ours(out: Path = out, chosen: list[Sample] = chosen) -> None:
                    result = render(
                        out,
                        chosen,
                        clips,
                        rendering=Rendering(),
                        journal=out / "journal",
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
            ours_s, ffmpeg_s, parallel_s = (median(times[name]) for name in ("ours", "ffmpeg", "parallel"))
            print(
                f"{subset:10}{frames:>8}{frames / ours_s:>10.0f}{frames / ffmpeg_s:>12.0f}{ffmpeg_s / ours_s:>6.2f}x"
                f"{frames / parallel_s:>18.0f}{parallel_s / ours_s:>6.2f}x"
            )
    few = list(clips.values())[:10]
    frames = sum(clip.frames for clip in few)
    alone = min(processor_time(lambda: [deque(decode(clip), maxlen=0) for clip in few]) for _ in range(args.rounds))
    hashed = min(processor_time(lambda: [fingerprint(clip) for clip in few]) for _ in range(args.rounds))
    print(f"decoding {1e6 * alone / frames:.0f} us a frame, with its fingerprint {1e6 * hashed / frames:.0f} us")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"peak memory: parent {own // 1024} MiB, largest child process {worker // 1024} MiB")


if __name__ == "__main__":
    main()
