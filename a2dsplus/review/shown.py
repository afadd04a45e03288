"""What a reviewer is shown of a pair, as plain values for the page."""

from typing import Any

from a2dsplus.contrast.positions import position_words
from a2dsplus.errors import InputError
from a2dsplus.records import Pair
from a2dsplus.review.decisions import Decision
from a2dsplus.review.index import Caption
from a2dsplus.review.media import Media
from a2dsplus.review.queue import Queue, State
from a2dsplus.review.spans import pieces, relations
from a2dsplus.review.why import lines


def row(queue: Queue, candidate: int) -> dict[str, Any]:
    """Return a pair as the list shows it: ids, captions, tier, grade, rank, the reviewer's own verdict and the state for him."""
    query_id, contrast_query_id = pair = queue.catalogue.key(candidate)
    own = queue.ledger.own(pair, queue.reviewer)
    query = int(queue.catalogue.query[candidate])
    state = State(int(queue.state[query])).word
    if candidate in queue.accepted or candidate in queue.rejected:
        state = "accepted" if candidate in queue.accepted else "rejected"
    found = _pair(queue, candidate)
    return {
        "query": query_id,
        "contrast": contrast_query_id,
        "text": _caption(queue, query_id).text,
        "contrast_text": _caption(queue, contrast_query_id).text,
        "tier": found.tier,
        "rank": found.rank,
        "grade": found.grade,
        "doubt": found.doubt,
        "because": found.because,
        "differing": found.differing,
        "state": state,
        "own": None if own is None else words(own),
    }


def in_bulk(queue: Queue, candidate: int) -> dict[str, Any]:
    """Return a pair as the pass by captions shows it: with every caption of the contrast's video."""
    contrast = _caption(queue, queue.catalogue.key(candidate)[1])
    others = [c.text for c in queue.catalogue.index.captions_of(contrast.video_id) if c.query_id != contrast.query_id]
    return {**row(queue, candidate), "others": others, "why": _why(queue, candidate)}


def whole(queue: Queue, media: Media, candidate: int) -> dict[str, Any]:
    """Return a pair with all that its page shows; others' verdicts are None until the reviewer has given his own."""
    catalogue = queue.catalogue
    pair = catalogue.key(candidate)
    query, contrast = _caption(queue, pair[0]), _caption(queue, pair[1])
    found = _pair(queue, candidate)
    own = queue.ledger.own(pair, queue.reviewer)
    judged = own is not None and own.vote is not None
    candidates = catalogue.candidates(int(catalogue.query[candidate]))
    dispute = pair in queue.ledger.disputed and not queue.needs(pair) and not judged
    return {
        **row(queue, candidate),
        "shared": found.shared,
        "extra": found.extra,
        "relation": found.relation,
        "kind": found.kind,
        "why": _why(queue, candidate),
        "alternatives": candidates.stop - 1 - candidate,
        "others": votes(queue, candidate, without=queue.reviewer) if judged or dispute else None,
        # nobody's party: the verdict keys settle it
        "dispute": dispute,
        "sides": [
            _side(media, query, contrast, pair=found, fits=()),
            _side(media, contrast, query, pair=found, fits=catalogue.fits(query, contrast)),
        ],
    }


def _why(queue: Queue, candidate: int) -> list[dict[str, Any]]:
    index = queue.catalogue.index
    query_id, contrast_query_id = queue.catalogue.key(candidate)
    found = lines(
        _pair(queue, candidate),
        index.roles(query_id),
        index.roles(contrast_query_id),
        guard=queue.catalogue.guard,
    )
    return [{"kind": line.kind, "pieces": [{"text": t, "slot": s} for t, s in line.pieces]} for line in found]


def _side(media: Media, caption: Caption, other: Caption, *, pair: Pair, fits: tuple[str, ...]) -> dict[str, Any]:
    """Return a side of a pair. `fits`: the query ids of other captions in its video that may fit the other side's; they come first."""
    index = media.index
    roles, others = index.roles(caption.query_id), index.roles(other.query_id)
    relation = relations(roles, others, shared=pair.shared, differing=pair.differing)
    clip = index.clip(caption.video_id)
    try:
        address, fault = f"/clips/{caption.video_id}?v={media.version(caption.video_id)}", None
    except InputError as error:
        address, fault = None, str(error)
    also = [row for row in index.captions_of(caption.video_id) if row.query_id != caption.query_id]
    also.sort(key=lambda row: row.query_id not in fits)
    return {
        "query": caption.query_id,
        "video": caption.video_id,
        "objects": caption.objects,
        "text": caption.text,
        "pieces": [
            {"text": p.text, "slot": p.slot, "role": p.role, "relation": p.relation}
            for p in pieces(caption.text, roles, relation)
        ],
        "position": position_words(caption.text),
        "clip": address,
        "strip": None if fault else f"/strip/{caption.video_id}?v={media.version(caption.video_id)}",
        "fault": fault,
        "frames": clip.frames if clip else 0,
        "height": clip.height if clip else 0,
        "width": clip.width if clip else 0,
        "rate": float(clip.rate) if clip else 25.0,
        "times": None if fault else media.times(caption.video_id),
        "outlines": media.outlines(caption.video_id),
        "captions": [
            {"objects": row.objects, "name": row.expression_id, "text": row.text, "fits": row.query_id in fits}
            for row in also
        ],
    }


def votes(queue: Queue, candidate: int, *, without: str | None = None) -> list[dict[str, Any]]:
    """Return the standing votes on a pair, by reviewer."""
    found = queue.ledger.votes(queue.catalogue.key(candidate))
    return [words(found[name]) for name in sorted(found) if name != without]


def words(decision: Decision) -> dict[str, Any]:
    """Return a decision as the page reads it."""
    return {
        "id": decision.decision_id,
        "reviewer": decision.reviewer,
        "query": decision.query_id,
        "contrast": decision.contrast_query_id,
        "verdict": decision.verdict.value,
        "reason": decision.reason.value if decision.reason else None,
        "note": decision.note,
        "mode": decision.mode.value,
        "decided_at": decision.decided_at or decision.at,
        "at": decision.at,
    }


def _pair(queue: Queue, candidate: int) -> Pair:
    catalogue = queue.catalogue
    return catalogue.pair(candidate, rank=int(catalogue.rank[candidate]), status=catalogue.built_status(candidate))


def _caption(queue: Queue, query_id: str) -> Caption:
    caption = queue.catalogue.index.caption(query_id)
    # the catalogue's own ids: all of them are in its index
    assert caption is not None
    return caption
