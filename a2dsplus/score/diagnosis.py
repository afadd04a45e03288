"""Where a model fails: its figures by differing role, tier, actor, number of described actors and area, and its worst units."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from a2dsplus.score.context import Context
from a2dsplus.score.counting.measure import Counts
from a2dsplus.score.counting.runs import Ints
from a2dsplus.score.figures.metrics import Grouping, sums
from a2dsplus.score.protocols import Protocol, unit_ious
from a2dsplus.score.readers.base import Floats
from a2dsplus.score.truth import Truth

FIGURES = ("mAP_10", "oIoU", "mIoU", "leak")
WORST = 20
_SLOTS = ("who", "verb", "what", "where", "when", "other")
_SMALL, _LARGE = 32**2, 96**2  # pixels, as COCO sorts areas

# A2D's seven actors by the words captions use for them; the first such word of a caption names its actor.
_ACTORS = {
    "adult": "adult man woman person people guy lady men women male female player dancer rider skier runner climber soldier athlete "
    "gymnast swimmer jumper walker driver worker musician performer singer actor bride groom pedestrian couple father mother "
    "someone human teacher fighter boxer wrestler goalkeeper snowboarder skateboarder cyclist officer policeman referee human",
    "baby": "baby toddler infant kid child boy girl children kids babies",
    "ball": "ball basketball football soccerball volleyball balloon bowling",
    "bird": "bird pigeon duck parrot eagle chicken chick goose penguin owl crow sparrow seagull gull swan hen rooster parakeet "
    "hawk falcon dove ostrich birds budgie cockatoo peacock turkey",
    "car": "car truck van suv vehicle jeep bus taxi cab formula racecar sedan pickup cars",
    "cat": "cat kitten kitty cats",
    "dog": "dog puppy dogs pup",
}
_ACTOR_OF = {word: actor for actor, words in _ACTORS.items() for word in words.split()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A share of a subset's units and the figures over it (mAP is the ten-threshold mean in every protocol)."""

    name: str
    units: int
    queries: int
    figures: dict[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A question and its groups."""

    title: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One scored unit in words, for lists of the worst and the best."""

    unit: int
    image_id: str
    text: str
    iou: float
    intersection: int
    union: int


def diagnose(
    truth: Truth,
    counts: Counts,
    context: Context,
    grouping: Grouping,
    *,
    protocol: Protocol,
    contrast: npt.NDArray[np.bool_] | str | None,
) -> tuple[Table, ...]:
    """Return the tables that the dataset allows: the roles and tiers need samples.jsonl, the actors meta_expressions.json."""
    rows = [context.samples.get(sample) for sample, _ in truth.queries]
    by_query: list[tuple[str, list[list[str]], Callable[[str], object]]] = []
    if any(row and row.differing for row in rows):
        by_query.append(("by differing role", [_differing(row.differing) if row else [] for row in rows], _slot_order))
    if any(row and row.tier is not None for row in rows):
        by_query.append(
            ("by tier", [[f"tier {row.tier}"] if row and row.tier is not None else [] for row in rows], str)
        )
    if context.texts:
        by_query.append(("by actor", [[_actor(context.text_of(query))] for query in truth.queries], str))
    by_query.append(("by number of described actors", _described(truth, context), str))
    tables = []
    for title, names_of_query, order in by_query:
        names_of_unit = [names_of_query[query] for query in grouping.query_of.tolist()]
        tables.append(_table(title, names_of_unit, order, counts, grouping, protocol, contrast))
    areas = ("empty", "small (< 32²)", "medium (< 96²)", "large")
    sizes = np.select([counts.true == 0, counts.true < _SMALL, counts.true < _LARGE], [0, 1, 2], 3)
    own = [[areas[size]] for size in sizes.tolist()]
    tables.append(_table("by the referent's area", own, areas.index, counts, grouping, protocol, contrast))
    return tuple(tables)


def ranked_units(truth: Truth, counts: Counts, context: Context) -> Ints:
    """Return the units from worst to best IoU, (N,): of equal ones, first those that waste or miss the most pixels."""
    ious = unit_ious(counts.intersection, counts.union, protocol=Protocol.PAPER)
    return np.lexsort((truth.rank, counts.intersection - counts.union, ious))


def describe(units: Ints, truth: Truth, counts: Counts, context: Context) -> tuple[Unit, ...]:
    """Return some units in words."""
    ious: Floats = unit_ious(counts.intersection, counts.union, protocol=Protocol.PAPER)
    return tuple(
        Unit(
            unit=unit,
            image_id=str(truth.ids[unit]),
            text=context.text_of((truth.names[unit].sample, truth.names[unit].expression)),
            iou=float(ious[unit]),
            intersection=int(counts.intersection[unit]),
            union=int(counts.union[unit]),
        )
        for unit in units.tolist()
    )


def _table(
    title: str,
    names_of_unit: list[list[str]],
    order: Callable[[str], object],
    counts: Counts,
    grouping: Grouping,
    protocol: Protocol,
    contrast: npt.NDArray[np.bool_] | str | None,
) -> Table:
    members: dict[str, list[int]] = {}
    for unit, names in enumerate(names_of_unit):
        for name in names:
            members.setdefault(name, []).append(unit)
    groups = []
    for name in sorted(members, key=order):  # type: ignore[arg-type]  # each table's order is over one kind of key
        units = np.array(members[name])
        numbers, query_of = np.unique(grouping.query_of[units], return_inverse=True)
        own = Grouping(query_of=query_of, video_of=np.zeros(len(numbers), np.int64), videos=1)
        over = contrast if contrast is None or isinstance(contrast, str) else contrast[units]
        found = sums(counts.take(units), own, protocol=protocol, contrast=over).figures()
        figures = {figure: found[figure] for figure in FIGURES if figure in found}
        groups.append(Group(name=name, units=len(units), queries=len(numbers), figures=figures))
    return Table(title=title, groups=tuple(groups))


def _differing(slots: tuple[str, ...]) -> list[str]:
    own = sorted(set(slots), key=_slot_order)
    if len(own) == 1:
        return [f"only {own[0]}"]
    return [*(f"{slot} and more" for slot in own)] if own else ["none"]


def _slot_order(name: str) -> tuple[bool, int, str]:
    """Return a key that sorts "only who" before "only verb" before "who and more"."""
    slot = name.removeprefix("only ").removesuffix(" and more")
    return not name.startswith("only "), _SLOTS.index(slot) if slot in _SLOTS else len(_SLOTS), name


def _actor(text: str) -> str:
    for word in text.lower().replace("-", " ").split():
        actor = _ACTOR_OF.get(word.strip(".,;:!?'\""))
        if actor:
            return actor
    return "other"


def _described(truth: Truth, context: Context) -> list[list[str]]:
    own = [context.video_of(query) for query in truth.queries]
    many: dict[str, int] = {}
    for video in own:
        many[video] = many.get(video, 0) + 1
    return [[str(many[video]) if many[video] < 5 else "5 or more"] for video in own]
