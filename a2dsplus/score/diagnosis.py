"""Where a model fails: its figures by what sets a pair apart, by actor, number of described actors and area, and its worst units."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from a2dsplus.media.runs import Ints
from a2dsplus.records import Sample
from a2dsplus.score.context import Context
from a2dsplus.score.counting.measure import Counts
from a2dsplus.score.figures.metrics import Grouping, sums
from a2dsplus.score.figures.pairs import Pairs
from a2dsplus.score.protocols import Protocol, Settings, unit_ious
from a2dsplus.score.readers.base import Floats
from a2dsplus.score.truth import Truth

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
class RankedUnit:
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
    settings: Settings,
    contrast: npt.NDArray[np.bool_] | str | None,
    pairs: Pairs | None = None,
) -> tuple[Table, ...]:
    """Return the tables that the dataset allows: what sets pairs apart needs samples.jsonl, the actors meta_expressions.json."""
    rows = [context.samples.get(sample) for sample, _ in truth.queries]
    by_query: list[tuple[str, list[list[str]], Callable[[str], object]]] = []
    if any(row and row.differing for row in rows):
        by_query.append(("by differing role", [_differing(row.differing) if row else [] for row in rows], _slot_order))
    for title, (name_of, order) in _OF_SAMPLE.items():
        names = [name_of(row) if row and row.contrasts else None for row in rows]
        if len(set(names) - {None}) > 1:
            by_query.append((title, [[] if name is None else [name] for name in names], order))
    places = [context.place_of(query) for query in truth.queries]
    if len(set(places) - {None}) > 1:
        by_query.append((_PLACE, [[] if place is None else [place] for place in places], str))
    if context.texts:
        by_query.append(("by actor", [[_actor(context.text_of(query))] for query in truth.queries], str))
    by_query.append(("by number of described actors", _described(truth, context), str))
    tables = []
    for title, names_of_query, order in by_query:
        names_of_unit = [names_of_query[query] for query in grouping.query_of.tolist()]
        tables.append(_table(title, names_of_unit, order, counts, grouping, settings, contrast, pairs))
    areas = ("empty", "small (< 32²)", "medium (< 96²)", "large")
    sizes = np.select([counts.true == 0, counts.true < _SMALL, counts.true < _LARGE], [0, 1, 2], 3)
    own = [[areas[size]] for size in sizes.tolist()]
    tables.append(_table("by the referent's area", own, areas.index, counts, grouping, settings, contrast, pairs))
    return tuple(tables)


def ranked_units(truth: Truth, counts: Counts, context: Context) -> Ints:
    """Return the units from worst to best IoU, (N,): of equal ones, first those that waste or miss the most pixels."""
    ious = unit_ious(counts.intersection, counts.union, protocol=Protocol.PAPER)
    return np.lexsort((truth.rank, counts.intersection - counts.union, ious))


def describe(units: Ints, truth: Truth, counts: Counts, context: Context) -> tuple[RankedUnit, ...]:
    """Return some units in words."""
    ious: Floats = unit_ious(counts.intersection, counts.union, protocol=Protocol.PAPER)
    return tuple(
        RankedUnit(
            unit=unit,
            image_id=str(truth.ids[unit]),
            text=context.text_of((truth.names[unit].sample, truth.names[unit].expression)),
            iou=float(ious[unit]),
            intersection=int(counts.intersection[unit]),
            union=int(counts.union[unit]),
        )
        for unit in units.tolist()
    )


_RELATIONS = ("class+action", "class", "action", "none")
_BY_LENGTH: Callable[[str], object] = lambda name: (len(name), name)  # noqa: E731  # numbers by size
BY_CONTRASTS = "by number of contrasts"
# What a sample says of its pair or composite, by the table's title, and the groups' order.
_OF_SAMPLE: dict[str, tuple[Callable[[Sample], str | None], Callable[[str], object]]] = {
    "by tier": (lambda sample: None if sample.tier is None else f"tier {sample.tier}", str),
    "by grade": (lambda sample: sample.grade, str),
    "by relation": (
        lambda sample: sample.relation,
        lambda name: (_RELATIONS.index(name) if name in _RELATIONS else 9, name),
    ),
    BY_CONTRASTS: (lambda sample: str(len(sample.contrasts)), _BY_LENGTH),
}
_PLACE = "by place of the clip asked about"


def _table(
    title: str,
    names_of_unit: list[list[str]],
    order: Callable[[str], object],
    counts: Counts,
    grouping: Grouping,
    settings: Settings,
    contrast: npt.NDArray[np.bool_] | str | None,
    pairs: Pairs | None,
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
        among = pairs.among(numbers) if pairs is not None else None
        found = sums(counts.take(units), own, protocol=settings.protocol, contrast=over, pairs=among).figures()
        figures = {figure: found[figure] for figure in settings.diagnosed if figure in found}
        groups.append(Group(name=name, units=len(units), queries=len(numbers), figures=figures))
    return Table(title=title, groups=tuple(groups))


def known(table: Table) -> list[str]:
    """Return the figures that any group of a table has."""
    names = dict.fromkeys(figure for group in table.groups for figure in group.figures)
    return [name for name in names if any(group.figures.get(name) is not None for group in table.groups)]


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
    own = [context.query_of(query) for query in truth.queries]
    many: dict[str, set[str]] = {}
    for video, expression in own:
        many.setdefault(video, set()).add(expression)
    return [[str(len(many[video])) if len(many[video]) < 5 else "5 or more"] for video, _ in own]
