"""When one caption's words rule another's out: why what a caption speaks of cannot be what a query asks for.

Two listed words exclude each other, nothing else does: absent words, vague ones and positions never do. A video is excluded if every
caption in it, and everybody else that these captions mention, is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from a2dsplus.contrast.actors import Actor, Coloured, Reading
from a2dsplus.contrast.lists import Lists
from a2dsplus.records import Relation

# from the plainest to the least
ReasonKind = Literal["actor", "sex", "negation", "kind", "verb", "object", "bare", "colour", "place"]
KINDS: tuple[ReasonKind, ...] = ("actor", "negation", "sex", "kind", "verb", "object", "bare", "colour", "place")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why two captions cannot be about one: what kind of difference, the query's words and the caption's."""

    kind: ReasonKind
    ours: str
    theirs: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.ours} / {self.theirs}"


class Exclusion:
    """The test, with its listed words."""

    def __init__(self, lists: Lists) -> None:
        self.lists = lists

    def reasons(self, query: Actor, other: Actor) -> tuple[Reason, ...]:
        """Return why `other` cannot be what a query's referent is, the plainest reason first; () where nothing listed says so."""
        return tuple(self._reasons(query, other))

    def reason(self, query: Actor, other: Actor) -> Reason | None:
        """Return the plainest reason why `other` cannot be what a query's referent is, or None."""
        return next(self._reasons(query, other), None)

    def of_caption(self, query: Reading, caption: Reading) -> tuple[Reason | None, ...]:
        """Return, for everybody that a caption speaks of, the reason why they are not the query's, None where there is none.

        A query about several ("a man and a woman") is about none of them only if each is told apart.

        A thing that tells of an owner whom the caption does not name ("a hat", "fed by hand") stands for the owner.
        """
        actors = (caption.referent, *caption.mentioned)
        found = []
        for actor in actors:
            reasons = [self._of_actor(wanted, actor, actors) for wanted in (query.referent, *query.joined)]
            found.append(None if None in reasons else reasons[0])
        return tuple(found)

    def of_video(self, query: Reading, captions: Sequence[Reading]) -> tuple[tuple[Reason | None, ...], ...]:
        """Return `of_caption` for each caption of a video.

        Whom a caption mentions besides its referent, and only one other caption of the video can be about, is that one: "a man feeds
        his dog" beside "a black dog eats" speaks of the black dog.
        """
        found = []
        for number, caption in enumerate(captions):
            reasons = list(self.of_caption(query, caption))
            for place, reason in enumerate(reasons[1:]):
                if reason is None:
                    mention = caption.mentioned[place]
                    about = [
                        other.referent
                        for other_number, other in enumerate(captions)
                        if other_number != number and other.referent.classes & mention.classes
                    ]
                    if (
                        len(about) == 1
                        and mention.classes <= about[0].classes
                        and self.reason(mention, about[0]) is None
                    ):
                        told = [self.reason(wanted, about[0]) for wanted in (query.referent, *query.joined)]
                        reasons[place + 1] = None if None in told else told[0]
            found.append(tuple(reasons))
        return tuple(found)

    def excluded(self, query: Reading, captions: Sequence[Reading]) -> bool:
        """Return whether a video with these captions holds nothing that fits the query, as far as its captions tell."""
        return all(reason is not None for reasons in self.of_video(query, captions) for reason in reasons)

    def _of_actor(self, query: Actor, actor: Actor, actors: Sequence[Actor]) -> Reason | None:
        reason = self.reason(query, actor)
        if reason is not None and reason.kind == "actor":
            owners = self.owners_of(query, actor)
            if owners and not any(other.classes & owners for other in actors):
                return None
        return reason

    def owners_of(self, query: Actor, thing: Actor) -> frozenset[str]:
        """Return the classes, one of them the query's, that a thing tells of though no word does ("a hat" of a person), or none."""
        for owners, things in self.lists.tells_of:
            if query.classes & owners and thing.classes & things:
                return owners
        return frozenset()

    def relation(self, query: Actor, other: Actor) -> Relation:
        """Return what two referents have in common: actor class (or, unlisted, the head word) and action."""
        same_class = bool(query.classes & other.classes) or (
            not query.classes and not other.classes and bool(query.head) and query.head == other.head
        )
        ours = {action.verb for action in query.actions}
        same_action = any(action.verb in ours for action in other.actions)
        if same_class:
            return "class+action" if same_action else "class"
        return "action" if same_action else "none"

    # ---- the differences ---------------------------------------------------------------------------------------------

    def _reasons(self, query: Actor, other: Actor) -> Iterator[Reason]:
        if self.apart(query, other):
            if self.tells(query, other):
                yield Reason("actor", query.words, other.words)
            # a thing and who has it: nothing else can be compared
            return
        yield from self.negation(query, other)
        yield from self.sex_and_kind(query, other)
        yield from self.verbs(query, other)
        yield from self.objects(query, other)
        yield from self.colours(query, other)
        yield from self.places(query, other)

    def apart(self, query: Actor, other: Actor) -> bool:
        """Whether two actors are of classes that have nothing in common."""
        return bool(query.classes and other.classes) and query.classes.isdisjoint(other.classes)

    def tells(self, query: Actor, other: Actor) -> bool:
        """Whether other classes mean another referent: what stands about everywhere is rarely spoken of."""
        return query.classes.isdisjoint(self.lists.background) and not self._unmentioned(query.classes, other.classes)

    def sex_and_kind(self, query: Actor, other: Actor) -> Iterator[Reason]:
        """Yield that two actors differ in sex, or in kind within the classes that they share."""
        both = query.classes & other.classes
        if query.sex and other.sex and not query.sex & other.sex:
            yield Reason("sex", query.words, other.words)
        if both and all(self._other_kind(query, other, name) for name in both):
            yield Reason("kind", query.words, other.words)

    def _unmentioned(self, ours: frozenset[str], theirs: frozenset[str]) -> bool:
        return any(ours & things and theirs & owners for owners, things in self.lists.unmentioned)

    def _other_kind(self, query: Actor, other: Actor, name: str) -> bool:
        ours, theirs = query.kinds.get(name), other.kinds.get(name)
        return ours is not None and theirs is not None and not ours & theirs

    def negation(self, query: Actor, other: Actor) -> Iterator[Reason]:
        """Yield that one does what the other is said not to do at all: who eats does not "not eat the apple"."""
        for one in query.actions:
            for two in other.actions:
                denied, told = (one, two) if one.negated else (two, one)
                if one.negated != two.negated and not denied.limited and self._does(told.verb, denied.verb):
                    yield Reason("negation", _said(one.words, one.negated), _said(two.words, two.negated))

    def _does(self, verb: str, general: str) -> bool:
        return verb == general or (general == "move" and verb in _MOVEMENTS)

    def verbs(self, query: Actor, other: Actor) -> Iterator[Reason]:
        """Yield that a verb of the query's excludes every verb of the other's, for actors of their classes.

        Where the query says all that the other does, and more ("sits, then jumps" / "jumps"), the other may be a shorter account.
        """
        both = query.classes & other.classes
        if not both:
            return
        ours = [a for a in query.actions if not a.negated and self._counts(a.passive, both)]
        theirs = [a for a in other.actions if not a.negated]
        telling = [a for a in theirs if a.verb not in self.lists.alongside]
        if not telling or not all(self._counts(a.passive, both) for a in telling):
            return
        if {a.verb for a in telling} <= {a.verb for a in ours}:
            return
        tables = [self.lists.exclusive.get(name, frozenset()) for name in both]
        for one in ours:
            if all(all(frozenset((one.verb, two.verb)) in table for table in tables) for two in telling):
                yield Reason("verb", one.words, " and ".join(two.words for two in telling))
                return

    def _counts(self, passive: bool, classes: frozenset[str]) -> bool:
        """Whether a verb tells what its actor does: "a ball is thrown" tells it of the ball, "a dog is held" not of the dog."""
        return not passive or not classes & (self.lists.groups["animal"] | self.lists.sexed)

    def objects(self, query: Actor, other: Actor) -> Iterator[Reason]:
        """Yield that one verb has objects that exclude each other."""
        for verb in dict.fromkeys(verb for verb, _ in query.objects):
            theirs = [thing for their_verb, thing in other.objects if their_verb == verb]
            if not theirs or verb not in self.lists.objects:
                continue
            for wanted in (thing for our_verb, thing in query.objects if our_verb == verb):
                if all(self._other_object(verb, wanted, thing) for thing in theirs):
                    yield Reason(
                        "object",
                        f"{verb} {wanted.words}",
                        f"{verb} {' and '.join(thing.words for thing in theirs)}",
                    )
                    break

    def _other_object(self, verb: str, wanted: Actor, thing: Actor) -> bool:
        tables, classes = self.lists.objects[verb]
        for name in tables:
            listed = {"food": self.lists.food, "played": self.lists.played, "drink": self.lists.drinks}[name]
            ours, theirs = _named(listed, wanted), _named(listed, thing)
            if ours and theirs and not ours & theirs:
                together = self.lists.food_together if name == "food" else frozenset()
                if not any(frozenset((one, two)) in together for one in ours for two in theirs):
                    return True
        if not (wanted.classes and thing.classes and wanted.classes <= classes and thing.classes <= classes):
            return False
        if not wanted.classes & thing.classes:
            return True
        if wanted.sex and thing.sex and not wanted.sex & thing.sex:
            return True
        both = wanted.classes & thing.classes
        if all(self._other_kind(wanted, thing, name) for name in both):
            return True
        return next(self.colours(wanted, thing), None) is not None

    def colours(self, query: Actor, other: Actor) -> Iterator[Reason]:
        """Yield that the same thing has other colours, or is bare of what the other wears."""
        for ours in query.coloured:
            for theirs in other.coloured:
                if ours.part == theirs.part == "body" and not query.classes & other.classes:
                    continue
                if frozenset((ours.part, theirs.part)) in self.lists.comparable and self._far(
                    self._all_of(query, ours, theirs), self._all_of(other, theirs, ours)
                ):
                    yield Reason("colour", ours.words, theirs.words)
        for one, two, turned in ((query, other, False), (other, query, True)):
            worn = next((thing for thing in two.coloured if thing.part in one.bare), None)
            dressed = any(thing.part in one.bare for thing in one.coloured)
            if worn is not None and not dressed:
                ours_words, theirs_words = (worn.words, one.words) if turned else (one.words, worn.words)
                yield Reason("bare", ours_words, theirs_words)

    def _all_of(self, actor: Actor, thing: Coloured, against: Coloured) -> frozenset[str]:
        """Return the colours that count: all that one wears where the other says "in black", all of a part that is named twice."""
        if against.part == "main":
            worn = (part.colours for part in actor.coloured if part.part in self.lists.all_over)
            return frozenset().union(*worn)
        return frozenset().union(*(part.colours for part in actor.coloured if part.part == thing.part))

    def _far(self, ours: frozenset[str], theirs: frozenset[str]) -> bool:
        return all(one != two and frozenset((one, two)) not in self.lists.near for one in ours for two in theirs)

    def places(self, query: Actor, other: Actor) -> Iterator[Reason]:
        """Yield that they are at, or make for, places apart."""
        for ours in query.places:
            if ours.place is None:
                continue
            theirs = [place for place in other.places if place.relation == ours.relation]
            if theirs and all(
                place.place is not None and frozenset((ours.place, place.place)) in self.lists.apart for place in theirs
            ):
                yield Reason("place", ours.words, " and ".join(place.words for place in theirs))
                return


_MOVEMENTS = frozenset(
    [
        "walk",
        "run",
        "crawl",
        "climb",
        "jump",
        "roll",
        "fly",
        "swim",
        "drive",
        "ride",
        "dance",
        "flip",
        "fall",
        "move",
        "go",
    ]
)


def _named(listed: dict[str, frozenset[str]], thing: Actor) -> frozenset[str]:
    words = [thing.head, *thing.head.split(), *thing.words.split()]
    return frozenset().union(*(listed[word] for word in words if word in listed))


def _said(words: str, negated: bool) -> str:
    return f"not {words.removeprefix('not ')}" if negated else words
