"""What a caption says of whom: its referent and everybody else that it mentions, read from its role frames.

The referent is the first noun phrase that a frame has ("a backpack used by a man" is about a backpack). It has a head with its class
("dog"), kind ("poodle") and sex where the lists know them, the colours of its body and of what it wears, its verbs with their objects, and
the places it is on or in. What the words do not say stays empty.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from a2dsplus.contrast.actors import Action, Actor, Place, Reading
from a2dsplus.contrast.frame import Frame, Rows, same
from a2dsplus.contrast.lists import Lists
from a2dsplus.contrast.looks import Looks, is_worn, led
from a2dsplus.contrast.naming import NONE, Naming, union
from a2dsplus.contrast.phrase_words import COLOURS, POSITIONS
from a2dsplus.contrast.phrases import Phrase
from a2dsplus.records import Slot

_Item = TypeVar("_Item")

_PATHS = frozenset(["", "up", "down", "on", "along", "onto", "over", "in", "at", "to", "around"])
# verbs whose object may follow by "with"
_DONE_WITH = frozenset(["play", "walk", "run", "dance", "fight"])
# "jumping into" is no place where one is
_PART_NOUNS = frozenset(["top", "middle", "center", "surface", "back", "edge", "floor", "ground", "piece", "pile"])


def read(rows: Rows, lists: Lists) -> Reading:
    """Return what a caption's rows of roles.parquet say of whom; a caption without roles has an empty referent."""
    return _Reader(rows, lists).reading()


class _Reader:
    def __init__(self, rows: Rows, lists: Lists) -> None:
        self.lists, self.naming, self.looks = lists, Naming(lists), Looks(lists)
        by_number: dict[int, list[tuple[int, str, str, str, str]]] = {}
        for row in rows:
            by_number.setdefault(row[0], []).append(row)
        self.frames = [Frame(by_number[number]) for number in sorted(by_number)]

    def reading(self) -> Reading:
        main = self._main()
        if main is None:
            return Reading(referent=Actor(words=""))
        phrases = [main]
        for frame in self.frames:
            phrases += [p for p in frame.of(Slot.WHO, Slot.WHAT) if p is not main and same(p, main)]
        referent = self._actor(main, phrases, self._frames_of(main))
        joined = [
            self._actor(part, [part], self._frames_of(main)) for part in main.also if self.naming.classes(part)[1]
        ]
        seen = {id(phrase) for phrase in phrases}
        mentioned = [
            actor
            for frame in self.frames
            for label, slot, phrase in frame.roles
            for actor in self._mentions(phrase, frame, label, slot, referent, is_referent=id(phrase) in seen)
        ]
        mentioned += self.naming.in_name(main)
        others = (*_distinct(mentioned), *self._implied(referent))
        return Reading(referent=referent, mentioned=others, joined=tuple(joined))

    def _implied(self, referent: Actor) -> Iterator[Actor]:
        """Yield the things that a verb tells of without naming them: who skateboards has a skateboard."""
        if not referent.classes & self.lists.sexed:
            return
        for action in referent.actions:
            classes = self.lists.implied.get(action.verb)
            named = any(verb == action.verb and thing.classes for verb, thing in referent.objects)
            if classes and not action.negated and not named:
                yield Actor(words=f"what one has to {action.verb}", classes=classes)

    # ---- who ---------------------------------------------------------------------------------------------------------

    def _main(self) -> Phrase | None:
        for frame in self.frames:
            for phrase in frame.of(Slot.WHO, Slot.WHAT):
                if phrase.preposition == "" and phrase.head not in ("it", "they", "he", "she"):
                    return self.naming.unwrapped(phrase)
        return None

    def _frames_of(self, main: Phrase) -> list[tuple[Frame, bool]]:
        """Return the frames whose subject somebody is, and those whose object (True)."""
        found = []
        for frame in self.frames:
            subjects = [phrase for phrase in frame.of(Slot.WHO) if not self._is_of_another(phrase)]
            if any(same(self.naming.unwrapped(phrase), main) for phrase in subjects):
                found.append((frame, self._is_suffered(frame, main)))
            elif any(same(self.naming.unwrapped(phrase), main) for phrase in frame.of(Slot.WHAT)):
                found.append((frame, True))
            elif frame.verb and not any(True for _ in frame.of(Slot.WHO)):
                found.append((frame, False))
        return found

    def _is_of_another(self, subject: Phrase) -> bool:
        """Whether a verb behind a thing with somebody is that one's: "a train with a man standing nearby"."""
        last = subject.attached[-1] if subject.attached else None
        alive = self.lists.sexed | self.lists.groups["animal"]
        own = self.naming.classes(self.naming.unwrapped(subject))[1]
        return bool(
            last and last.preposition == "with" and own and not own & alive and self.naming.classes(last)[1] & alive
        )

    def _is_suffered(self, frame: Frame, main: Phrase) -> bool:
        """Whether a subject suffers its verb: "a ball is thrown" has no object of its own and is no agent."""
        verb = self.lists.verbs.get(_first(frame.verb), _first(frame.verb))
        if verb not in self.lists.objects or verb in ("walk", "run", "climb", "eat", "play", "dance", "fight", "watch"):
            return False
        labels = [label for label, slot, phrase in frame.roles if slot == Slot.WHO and same(phrase, main)]
        return bool(labels) and "ARG0" not in labels and not any(True for _ in frame.of(Slot.WHAT))

    # ---- an actor ----------------------------------------------------------------------------------------------------

    def _actor(self, main: Phrase, phrases: Sequence[Phrase], frames: Sequence[tuple[Frame, bool]]) -> Actor:
        head, classes, used = self.naming.classes(main)
        own = main.words
        kinds = self.naming.kinds(classes, used, own)
        things = self.looks.coloured(main, classes, head)
        attached = [inner for phrase in phrases for part in (phrase, *phrase.also[:0]) for inner in part.attached]
        for inner in attached:
            things += self.looks.worn(inner, classes)
        actions: list[Action] = []
        objects: list[tuple[str, Actor]] = []
        places: list[Place] = []
        for inner in attached:
            places += self._placed(inner, verb="")
            self._embedded(inner, attached, actions, objects)
        if classes & (self.lists.sexed | self.lists.groups["animal"] | self.lists.groups["vehicle"] | {"ball"}):
            # "a running dog", "a parked car"
            before = own[: len(own) - len(used)]
            actions += [Action(self.lists.verbs[word], word) for word in before if word in _BEFORE_NOUN]
        for frame, passive in frames:
            self._acted(frame, main, passive, actions, objects, places)
            verb = self._verb(frame.verb)
            if verb in ("wear", "have") and not passive and not frame.negated:
                for phrase in frame.of(Slot.WHAT):
                    things += self.looks.worn(led(phrase, verb), classes)
            if verb == "be" and not frame.negated:
                for phrase in frame.of(Slot.WHAT):
                    things += self.looks.told(phrase, classes)
            for phrase in frame.of(Slot.WHERE, Slot.OTHER, Slot.WHAT):
                if phrase.preposition in ("in", "with") and not passive:
                    things += self.looks.worn(phrase, classes)
        words = {*own, *(word for phrase in phrases for word in phrase.words)}
        sexes = [self.lists.sex[word] for word in [head, *own] if word in self.lists.sex]
        return Actor(
            words=" ".join(word for word in own if word not in POSITIONS) or main.head,
            head=head,
            classes=classes,
            kinds=kinds,
            sex=sexes[0] if sexes and classes and classes <= self.lists.sexed else NONE,
            number=next((word for word in own if word in ("two", "three", "four", "five", "six")), ""),
            coloured=tuple(_distinct(things)),
            bare=union(
                [*(self.lists.bare[word] for word in words if word in self.lists.bare), *self.looks.bare(attached)]
            ),
            actions=tuple(_distinct(self._told(actions))),
            objects=tuple(objects),
            places=tuple(_distinct(places)),
        )

    # ---- verbs, objects, places --------------------------------------------------------------------------------------

    def _verb(self, verb: str) -> str:
        words = verb.split()
        if not words:
            return ""
        if words[0] == "not":
            words = words[1:]
        if words[1:] and words[0] in ("stand", "sit", "get", "pick", "put", "pull") and words[1] in ("up", "down"):
            # "standing up" and "sitting down" are movements
            return " ".join(words[:2])
        out: str = self.lists.verbs.get(words[0], words[0])
        return out

    def _sent(self, verb: str, things: Iterable[Phrase]) -> str:
        """Return what "shoot" and "pass" are with what is shot: a ball is thrown, a gun fired; who passes a car moves."""
        if verb not in ("shoot", "pass"):
            return verb
        classes = union(self.naming.classes(part)[1] for phrase in things for part in phrase.all())
        if classes & _FIRED and verb == "shoot":
            return "fire"
        if classes & _THROWN:
            return "throw"
        return "move" if verb == "pass" else verb

    def _acted(
        self,
        frame: Frame,
        main: Phrase,
        passive: bool,
        actions: list[Action],
        objects: list[tuple[str, Actor]],
        places: list[Place],
    ) -> None:
        if not frame.verb:
            for phrase in frame.of(Slot.WHERE):
                places += self._placed(phrase, verb="")
            return
        verb = self._sent(self._verb(frame.verb), [main, *frame.of(Slot.WHAT)] if passive else frame.of(Slot.WHAT))
        wheres = list(frame.of(Slot.WHERE))
        if verb in ("stand", "sit") and any(
            phrase.head in ("up", "down") and not phrase.preposition and len(phrase.words) == 1 for phrase in wheres
        ):
            verb = f"{verb} {'up' if verb == 'stand' else 'down'}"
        actions.append(Action(verb, frame.verb, frame.negated, passive, frame.negated and frame.is_limited(main)))
        if frame.negated:
            return
        for phrase in wheres:
            places += self._placed(phrase, verb=verb)
        if passive:
            return
        for label, slot, phrase in frame.roles:
            if slot == Slot.WHAT and not same(phrase, main):
                if phrase.preposition == "with" and verb not in _DONE_WITH:
                    # who eats with a man does not eat him
                    continue
                if verb == "climb":
                    places += self._placed(phrase, verb=verb)
                elif phrase.preposition != "by" and (
                    phrase.preposition in ("", "with", "at", "to") or label in ("ARG1", "ARG2")
                ):
                    objects += [(verb, self._thing(part)) for part in (phrase, *phrase.also)]
        if verb in ("sit", "stand", "ride", "jump", "move", "do"):
            for phrase in wheres:
                if phrase.preposition in ("on", "in") and self.naming.classes(phrase)[1] & self._mounts():
                    objects.append(("ride", self._thing(phrase)))

    def _embedded(
        self, inner: Phrase, attached: Sequence[Phrase], actions: list[Action], objects: list[tuple[str, Actor]]
    ) -> None:
        """Take the verbs within a noun phrase: "person holding a racket", "man sitting on a horse", "man on a bike"."""
        link = inner.preposition
        if link in self.lists.verbs and link not in ("be",):
            verb = self.lists.verbs[link]
            actions.append(Action(verb, link))
            if inner.words and verb in self.lists.objects:
                objects += [(verb, self._thing(part)) for part in (inner, *inner.also) if part.words]
        elif link == "on" and self.naming.classes(inner)[1] & self._mounts():
            objects.append(("ride", self._thing(inner)))

    def _mounts(self) -> frozenset[str]:
        return self.lists.groups["mount"]

    def _thing(self, phrase: Phrase) -> Actor:
        phrase = self.naming.unwrapped(phrase)
        head, classes, used = self.naming.classes(phrase)
        sexes = [self.lists.sex[word] for word in (head, *phrase.words) if word in self.lists.sex]
        things = self.looks.coloured(phrase, classes, head)
        for inner in phrase.attached:
            things += self.looks.worn(inner, classes)
        return Actor(
            words=" ".join(word for word in phrase.words if word not in POSITIONS) or phrase.head,
            head=head,
            classes=classes,
            kinds=self.naming.kinds(classes, used, phrase.words),
            sex=sexes[0] if sexes and classes and classes <= self.lists.sexed else NONE,
            coloured=tuple(_distinct(things)),
        )

    def _placed(self, phrase: Phrase, *, verb: str) -> list[Place]:
        found = []
        for part in (phrase, *phrase.also):
            link = phrase.preposition
            inner = part
            if part.head in _PART_NOUNS or part.head in ("side", "part", "end", "group", "corner"):
                of = next((x for x in phrase.attached if x.preposition == "of"), None)
                if of is not None and part.head in ("side", "part", "end", "group", "corner"):
                    continue
                inner = of if of is not None else part
            if link == "in" and (inner.head in self.lists.garments or all(word in COLOURS for word in inner.words)):
                continue
            place = self.lists.places.get(inner.head)
            words = " ".join(
                ([link] if link else []) + list(part.words) + (["of", *inner.words] if inner is not part else [])
            )
            if place in self.lists.body_parts and verb not in ("climb", "jump"):
                continue
            if place is None and (inner.head in POSITIONS or not inner.words):
                continue
            if verb == "climb" and link in _PATHS and link not in ("in", "at"):
                found.append(Place("climb", place, words))
            if link in self.lists.location:
                if verb == "jump" and link in ("on", "upon") and place in self.lists.body_parts:
                    continue
                found.append(Place("location", place, words))
            elif link in self.lists.goal:
                found.append(Place("goal", place, words))
        return found

    def _told(self, actions: Sequence[Action]) -> list[Action]:
        """Return the verbs that say what is done: "starts to walk" is walking, "is standing" on its own is standing."""
        telling = [action for action in actions if action.verb not in self.lists.transparent and action.verb != "be"]
        return telling or [action for action in actions if action.verb != "be"]

    # ---- the others --------------------------------------------------------------------------------------------------

    def _mentions(
        self, phrase: Phrase, frame: Frame, label: str, slot: str, referent: Actor, *, is_referent: bool
    ) -> Iterator[Actor]:
        whole = self.naming.unwrapped(phrase)
        parts = list(whole.all())
        if is_referent or (slot == Slot.WHO and parts[0].head == referent.head and not parts[0].modifiers):
            parts = parts[1:]
        for part in parts:
            if (
                part.preposition in ("like", "as", "without")
                or "no" in part.modifiers
                or (part.head in POSITIONS and not is_worn(part))
            ):
                continue
            yield from self.naming.in_name(part)
            classes = self.naming.classes(part)[1]
            if not classes:
                if part.head in self.lists.same_kind_words:
                    # "another" is of the referent's own class
                    yield Actor(words=part.head, head=part.head, classes=referent.classes)
                continue
            if part.head in _FAMILY and not referent.classes & self.lists.sexed:
                # "its mother" is of its own class
                yield Actor(words=part.head, head=part.head, classes=referent.classes | classes)
                continue
            if classes & self.lists.groups["body part"] and self._is_own(part, classes, referent):
                continue
            phrases = [part]
            frames = self._frames_of_other(part)
            actor = self._actor(part, phrases, frames)
            companion = part is whole and part.preposition == "with" and slot == Slot.WHAT
            if companion and not actor.actions and frame.verb and not frame.negated:
                verb = self._verb(frame.verb)
                if verb in ("walk", "run", "swim", "dance", "fight", "fly", "crawl", "jump"):
                    actor = _with(actor, actions=(Action(verb, frame.verb),))
            elif part is whole and slot == Slot.WHAT and not part.preposition and not actor.actions and frame.verb:
                actor = _with(actor, actions=(Action(self._verb(frame.verb), frame.verb, frame.negated, True),))
            yield actor

    def _is_own(self, part: Phrase, classes: frozenset[str], referent: Actor) -> bool:
        """Whether a part of a body is the referent's own: "its head", and a person's hand, unless somebody is named."""
        if any(inner.preposition == "of" for inner in part.attached):
            return False
        return bool(referent.classes & self.lists.sexed) or "hand" not in classes

    def _frames_of_other(self, part: Phrase) -> list[tuple[Frame, bool]]:
        return [
            (frame, False) for frame in self.frames if frame.verb and any(same(p, part) for p in frame.of(Slot.WHO))
        ]


# verbs whose participles stand before who does it
_BEFORE_NOUN = frozenset(
    [
        "walk",
        "run",
        "jump",
        "crawl",
        "climb",
        "roll",
        "fly",
        "swim",
        "stand",
        "sit",
        "lie",
        "sleep",
        "kneel",
        "crouch",
        "eat",
        "park",
        "seated",
        "move",
        "dance",
    ]
)
_FIRED = frozenset(["bow", "gun"])
_THROWN = frozenset(["ball", "frisbee"])
_FAMILY = frozenset(["mother", "father", "parent", "baby", "adult"])


def _with(actor: Actor, *, actions: tuple[Action, ...]) -> Actor:
    return Actor(
        words=actor.words,
        head=actor.head,
        classes=actor.classes,
        kinds=actor.kinds,
        sex=actor.sex,
        number=actor.number,
        coloured=actor.coloured,
        bare=actor.bare,
        actions=actions,
        objects=actor.objects,
        places=actor.places,
    )


def _first(words: str) -> str:
    return words.split()[0] if words else ""


def _distinct(items: Iterable[_Item]) -> list[_Item]:
    found: list[_Item] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found
