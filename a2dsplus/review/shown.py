"""What a reviewer is shown of a pair, as plain values for the page."""

from typing import Any

from a2dsplus.errors import InputError
from a2dsplus.review.catalogue import slots
from a2dsplus.review.decisions import Decision
from a2dsplus.review.index import Caption
from a2dsplus.review.media import Media
from a2dsplus.review.queue import Queue, State
from a2dsplus.review.spans import pieces, relations


def row(queue: Queue, candidate: int) -> dict[str, Any]:
    """Return a pair as the list shows it: ids, captions, tier, rank, the reviewer's own verdict and the state for him."""
    query_id, contrast_query_id = pair = queue.catalogue.key(candidate)
    own = queue.ledger.own(pair, queue.reviewer)
    query = int(queue.catalogue.query[candidate])
    state = State(int(queue.state[query])).word
    return {
        "query": query_id,
        "contrast": contrast_query_id,
        "text": _caption(queue, query_id).text,
        "contrast_text": _caption(queue, contrast_query_id).text,
        "tier": int(queue.catalogue.tier[candidate]),
        "rank": int(queue.catalogue.rank[candidate]),
        "differing": slots(int(queue.catalogue.differing[candidate])),
        "state": "rejected" if candidate in queue.rejected else state,
        "own": None if own is None else words(own),
    }


def whole(queue: Queue, media: Media, candidate: int) -> dict[str, Any]:
    """Return a pair with all that its page shows; others' verdicts are None until the reviewer has given his own."""
    pair = queue.catalogue.key(candidate)
    query, contrast = _caption(queue, pair[0]), _caption(queue, pair[1])
    shared = slots(int(queue.catalogue.shared[candidate]))
    differing = slots(int(queue.catalogue.differing[candidate]))
    own = queue.ledger.own(pair, queue.reviewer)
    judged = own is not None and own.vote is not None
    candidates = queue.catalogue.candidates(int(queue.catalogue.query[candidate]))
    return {
        **row(queue, candidate),
        "shared": shared,
        "differing": differing,
        "alternatives": candidates.stop - 1 - candidate,
        "others": votes(queue, candidate, without=queue.reviewer) if judged else None,
        "sides": [
            _side(media, query, contrast, shared=shared, differing=differing),
            _side(media, contrast, query, shared=shared, differing=differing),
        ],
    }


def _side(
    media: Media, caption: Caption, other: Caption, *, shared: tuple[str, ...], differing: tuple[str, ...]
) -> dict[str, Any]:
    index = media.index
    roles, others = index.roles(caption.query_id), index.roles(other.query_id)
    relation = relations(roles, others, shared=shared, differing=differing)
    clip = index.clip(caption.video_id, root=media.root)
    outlines = media.outlines(caption.video_id)
    try:
        address, fault = f"/clips/{caption.video_id}?v={media.version(caption.video_id)}", None
    except InputError as error:
        address, fault = None, str(error)
    return {
        "query": caption.query_id,
        "video": caption.video_id,
        "instance": caption.expression_id,
        "text": caption.text,
        "pieces": [
            {"text": p.text, "slot": p.slot, "role": p.role, "relation": p.relation}
            for p in pieces(caption.text, roles, relation)
        ],
        "clip": address,
        "fault": fault,
        "frames": clip.frames if clip else 0,
        "height": clip.height if clip else 0,
        "width": clip.width if clip else 0,
        "rate": float(clip.rate) if clip else 25.0,
        "outlines": outlines,
        "captions": [
            {"instance": row.expression_id, "text": row.text}
            for row in index.captions_of(caption.video_id)
            if row.query_id != caption.query_id
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
        "at": decision.at,
    }


def _caption(queue: Queue, query_id: str) -> Caption:
    caption = queue.catalogue.index.caption(query_id)
    # the catalogue's own ids: all of them are in its index
    assert caption is not None
    return caption
