"""The stages in order: source, roles, contrast (with review), compose, render, manifest.

Each stage writes tables that the next one reads, and remembers what they were made from: run again, only what is missing or changed
is done. What a killed run had finished is kept.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from a2dsplus import __version__, resources
from a2dsplus.compose.geometry import composite, multiple
from a2dsplus.compose.ground_truth import write_subset
from a2dsplus.compose.render import Rendering, render
from a2dsplus.contrast.entailment import Guard, Lexicon, wordnet_installed
from a2dsplus.contrast.meaning import meaning
from a2dsplus.contrast.positions import OrderChoice, order_for, position_words
from a2dsplus.contrast.reviewed import Verdicts, in_use, published_pairs, rank_again
from a2dsplus.contrast.sampler import RANKS, Sampler
from a2dsplus.dataset import tables
from a2dsplus.dataset.workspace import SCHEMA, Workspace, digest
from a2dsplus.errors import ClipError, WorkspaceError
from a2dsplus.files import sha256
from a2dsplus.progress import Advance, Bars, bar, unwatched
from a2dsplus.records import Clip, Layout, Pair, Query, Sample, Subset
from a2dsplus.sources import LeftOut, Source, referent_frames
from a2dsplus.sources.reading import read_split

# a change to what a stage makes from the same input changes its number
_SOURCE_STAGE, _ROLES_STAGE = 1, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """What to build. `order`: see `contrast.positions`; `pairs`: a pairs file to build from; `database`: of the reviews, if not the default."""

    split: str = "test"
    subsets: tuple[Subset, ...] = tuple(Subset)
    srl: str = "compact"
    predicates: str = "model"
    correct: bool = False
    seed: int = 0
    order: OrderChoice = "query-first"
    pairs: Path | None = None
    database: str | None = None
    rendering: Rendering = field(default_factory=Rendering)
    workers: int = 1
    skip_bad: bool = False


@dataclass(slots=True, kw_only=True)
class BuildReport:
    """What a build came to, for a person and for the manifest."""

    counts: dict[str, Any]
    left_out: list[LeftOut]
    unpaired: dict[str, str]
    done: list[str]
    kept: list[str]


def build(source: Source, out: Path, *, options: BuildOptions, bars: Bars = bar) -> BuildReport:
    """Construct the subsets of a source's split in the folder `out`; return what was done.

    Raises InputError (with the file, row or frame at fault) and leaves what is in `out` as it was, or whole.
    """
    run = _Run(source, Workspace(out), options, bars)
    run.read_source()
    run.label_roles()
    run.sample_pairs()
    run.compose()
    run.render()
    return run.finish()


class _Run:
    """One run of the stages over a workspace."""

    def __init__(self, source: Source, workspace: Workspace, options: BuildOptions, bars: Bars) -> None:
        self.source, self.workspace, self.options, self.bars = source, workspace, options, bars
        self.report = BuildReport(counts={}, left_out=[], unpaired={}, done=[], kept=[])
        self.previous = workspace.manifest() if workspace.root.exists() else None
        self.srl: dict[str, str] = {}
        self.rendered: dict[str, str] = {}

    # ---- source --------------------------------------------------------------------------------------------------

    def read_source(self) -> None:
        """Write queries.parquet, clips.parquet and masks.parquet."""
        options, workspace = self.options, self.workspace
        key = digest(_SOURCE_STAGE, self.source.stamp(options.split), options.skip_bad, options.correct)
        if workspace.is_current("source", key):
            self.fingerprint = str(workspace.made_from("source")["fingerprint"])
            self.report.left_out += [LeftOut(**row) for row in workspace.made_from("source")["left_out"]]
            self.report.kept.append("source")
        else:
            self._read_source(key)
            self.report.done.append("source")
        tables.write_source_root(workspace, self.source.root)
        self.queries = tables.read_queries(workspace)
        self.by_id = {query.query_id: query for query in self.queries}
        self.clips = tables.read_clips(workspace, root=self.source.root)
        self.annotations = tables.read_annotations(workspace)

    def _read_source(self, key: str) -> None:
        listing = self.source.listing(self.options.split)
        with self.bars("reading clips and masks", len(listing.videos), "videos") as advance:
            reading = read_split(self.source, listing, skip_bad=self.options.skip_bad, progress=advance)
        if self.options.correct:
            reading = replace(reading, queries=tuple(_corrected(query) for query in reading.queries))
        self.fingerprint = reading.fingerprint(self.source.name)
        self._check_same_source()
        tables.write_queries(self.workspace, reading.queries)
        tables.write_clips(self.workspace, reading.clips.values(), root=self.source.root)
        tables.write_annotations(self.workspace, reading.annotations)
        self.report.left_out += reading.left_out
        notes = [{"item": row.item, "reason": row.reason} for row in reading.left_out]
        outputs = ["queries.parquet", "clips.parquet", "masks.parquet"]
        self.workspace.remember("source", key, outputs=outputs, fingerprint=self.fingerprint, left_out=notes)

    def _check_same_source(self) -> None:
        """Refuse to build one source over another's dataset; the same folder, mended, may be built again."""
        if self.previous is None:
            return
        before = self.previous["source"]
        same_folder = self.workspace.path(".a2dsplus", "source.json").exists() and (
            self.workspace.read_json(".a2dsplus/source.json").get("root") == str(self.source.root.resolve())
        )
        if self.previous["split"] != self.options.split or (
            before["fingerprint"] != self.fingerprint and not same_folder
        ):
            raise WorkspaceError(
                f"{self.workspace.root}: holds the {self.previous['split']} split of another source ({before['name']},"
                f" {before['fingerprint'][:12]}), not of {self.source.root}; choose another --out or remove that folder"
            )

    # ---- roles ---------------------------------------------------------------------------------------------------

    def label_roles(self) -> None:
        """Write roles.parquet."""
        from a2dsplus.roles import Predicates, identify, load_labeller, parse

        options = self.options
        model = identify(options.srl)
        self.srl = {"name": model.name, "sha256": model.sha256, "predicates": options.predicates}
        key = digest(_ROLES_STAGE, __version__, sha256(self.workspace.path("queries.parquet")), self.srl)
        if self.workspace.is_current("roles", key):
            self.report.kept.append("roles")
        else:
            texts = [query.text for query in self.queries]
            labeller = load_labeller(options.srl, predicates=Predicates(options.predicates))
            # a process for every thousand captions: starting one costs as much as parsing some hundred
            workers = min(options.workers, 1 + len(texts) // 1000)
            with self.bars("labelling roles", len(texts), "captions") as advance:
                parsed = parse(texts, labeller=labeller, workers=workers, progress=advance)
            ids = [query.query_id for query in self.queries]
            tables.write_roles(self.workspace, dict(zip(ids, parsed, strict=True)))
            self.workspace.remember("roles", key, outputs=["roles.parquet"])
            self.report.done.append("roles")

    # ---- contrast ------------------------------------------------------------------------------------------------

    def sample_pairs(self) -> None:
        """Write pairs.parquet: the sampled pairs, ranked anew by what the reviewers and a pairs file say."""
        rows = tables.read_roles(self.workspace)
        meanings = [meaning(query, rows.get(query.query_id, ())) for query in self.queries]
        self.wordnet = wordnet_installed()
        sampler = Sampler(meanings, Guard(Lexicon(wordnet=self.wordnet)))
        with self.bars("sampling contrast", len(meanings), "queries") as advance:
            sampling = sampler.sample(meanings, seed=self.options.seed, progress=advance)
        pairs = sampling.pairs
        settled = self._settled()
        if self.options.pairs is not None:
            pairs, published = published_pairs(self.options.pairs, pairs, sampler)
            settled = {**published, **settled}
            paired = {pair.query_id for pair in pairs}
            unpaired = [m.query_id for m in meanings if m.query_id not in paired]
            sampling.unpaired = dict.fromkeys(unpaired, f"{self.options.pairs.name} has no pair for it")
        self.pairs = rank_again(pairs, settled)
        for pair in self.pairs:
            if pair.rank == 0 and pair.status == "rejected":
                sampling.unpaired[pair.query_id] = "every candidate was rejected in review"
        self.used = in_use(self.pairs)
        tables.write_pairs(self.workspace, self.pairs)
        self.report.unpaired = dict(sorted(sampling.unpaired.items()))
        guard = sampler.removed(meanings)
        self.guard = {reason: guard[reason] for reason in sorted(guard)}
        self.report.done.append("contrast")

    def _settled(self) -> Verdicts:
        if self.options.database is None and not self.workspace.path("reviews.sqlite").exists():
            return {}
        from a2dsplus.review.store import settled

        return settled(self.workspace.root, database=self.options.database)

    # ---- composition ---------------------------------------------------------------------------------------------

    def compose(self) -> None:
        """Write samples.jsonl, meta_expressions.json and ground_truth.json of each subset."""
        self.samples: dict[Subset, list[Sample]] = {}
        for subset in self.options.subsets:
            if subset is Subset.M:
                self.samples[subset] = self._multiple()
            else:
                self.samples[subset] = [self._composite(subset, pair) for pair in self.used]
        total = sum(map(len, self.samples.values()))
        with self.bars("composing", total, "samples") as advance:
            for subset in self.samples:
                self._write_subset(subset, advance)
        self.report.done.append("compose")

    def _multiple(self) -> list[Sample]:
        by_video: dict[str, list[Query]] = {}
        for query in self.queries:
            by_video.setdefault(query.video_id, []).append(query)
        return [
            multiple(video, queries, self.clips[video], self.annotations[video])
            for video, queries in sorted(by_video.items())
            if len(queries) > 1
        ]

    def _composite(self, subset: Subset, pair: Pair) -> Sample:
        query, contrast = self.by_id[pair.query_id], self.by_id[pair.contrast_query_id]
        layout = Layout.SPATIAL if subset is Subset.S else Layout.TEMPORAL
        order = order_for(query, layout, choice=self.options.order, seed=self.options.seed)
        return composite(
            layout, query, contrast, clips=self.clips, annotations=self.annotations, order=order, pair=pair
        )

    def _write_subset(self, subset: Subset, progress: Advance) -> None:
        write_subset(
            self.workspace,
            subset,
            self.samples[subset],
            queries=self.by_id,
            annotations=self.annotations,
            split=self.options.split,
            progress=progress,
        )

    # ---- rendering -----------------------------------------------------------------------------------------------

    def render(self) -> None:
        """Write the videos or images of every sample; leave out, or refuse, those whose clips cannot be decoded."""
        options = self.options
        samples = [sample for rows in self.samples.values() for sample in rows]
        stamps = {video: _stamp(clip) for video, clip in self.clips.items()}
        with self.bars("rendering", len(samples) if options.rendering.form != "none" else 0, "samples") as advance:
            result = render(
                self.workspace.root,
                samples,
                self.clips,
                rendering=options.rendering,
                journal=self.workspace.journal,
                stamps=stamps,
                workers=options.workers,
                progress=advance,
            )
        if result.failed and not options.skip_bad:
            more = (
                f" (and {len(result.failed) - 1} more samples; --skip-bad leaves them out)"
                if len(result.failed) > 1
                else ""
            )
            raise ClipError(f"{result.failed[0].reason}{more}")
        if result.failed:
            failed = {row.item for row in result.failed}
            self.report.left_out += result.failed
            for subset, rows in self.samples.items():
                self.samples[subset] = [row for row in rows if f"{subset}/{row.sample_id}" not in failed]
                self._write_subset(subset, unwatched)
        self.rendered = result.files
        (self.report.done if result.made else self.report.kept).append(f"render ({result.made} new)")

    # ---- manifest ------------------------------------------------------------------------------------------------

    def finish(self) -> BuildReport:
        """Remove what no longer belongs, and write manifest.json with every file's hash."""
        workspace, options = self.workspace, self.options
        workspace.sweep(self.rendered, subsets=[subset.value for subset in options.subsets])
        self.report.counts = self._counts()
        files = {name: self.rendered.get(name) or sha256(workspace.path(name)) for name in workspace.files()}
        manifest = {
            "schema": SCHEMA,
            "tool": {"name": "a2dsplus", "version": __version__},
            "source": {"name": self.source.name, "fingerprint": self.fingerprint},
            "split": options.split,
            "seed": options.seed,
            "srl": self.srl,
            "options": {
                "subsets": [subset.value for subset in options.subsets],
                "order": options.order,
                "correct": options.correct,
                "skip_bad": options.skip_bad,
                "pairs": sha256(options.pairs) if options.pairs else None,
                "ranks": RANKS,
                "wordnet": self.wordnet,
                "lexicon": sha256(resources.path("annotations/lexicon.json")),
                "render": options.rendering.form,
                "image": options.rendering.image if options.rendering.form == "frames" else None,
                "quality": options.rendering.quality if options.rendering.form == "frames" else None,
            },
            "counts": self.report.counts,
            "guard": self.guard,
            "unpaired": self.report.unpaired,
            "left_out": [{"item": row.item, "reason": row.reason} for row in self.report.left_out],
            "files": files,
        }
        workspace.write_json("manifest.json", manifest, indent=1)
        return self.report

    def _counts(self) -> dict[str, Any]:
        described = Counter(query.video_id for query in self.queries)
        counts: dict[str, Any] = {
            "videos": len(described),
            "queries": len(self.queries),
            "units": sum(len(referent_frames(self.annotations[q.video_id], q.instance_id)) for q in self.queries),
            "pairs": len(self.used),
            "tiers": {str(tier): sum(pair.tier == tier for pair in self.used) for tier in (1, 2, 3, 4)},
            "position_words": sum(bool(position_words(query.text)) for query in self.queries),
        }
        for subset, samples in self.samples.items():
            counts[subset.value] = {"videos": len(samples), "queries": sum(len(sample.queries) for sample in samples)}
        return counts


def _corrected(query: Query) -> Query:
    from a2dsplus.roles.corrections import correct_caption

    return replace(query, text=correct_caption(query.text))


def _stamp(clip: Clip) -> str:
    state = clip.path.stat()
    return digest(clip.frames, clip.height, clip.width, str(clip.rate), state.st_size, state.st_mtime_ns)
