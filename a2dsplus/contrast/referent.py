"""What a caption says of whom: its referent and everybody else that it mentions, read from its role frames.

The referent is the first noun phrase that a frame has ("a backpack used by a man" is about a backpack). It has a head with its class
("dog"), kind ("poodle") and sex where the lists know them, the colours of its body and of what it wears, its verbs with their objects, and
the places it is on or in. What the words do not say stays empty.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from a2dsplus.contrast.actors import Action, Actor, Coloured, Place, Reading
from a2dsplus.contrast.lists import Lists
from a2dsplus.contrast.phrase_words import ADJECTIVES, COLOURS, PATTERNS, POSITIONS, YOUNG
from a2dsplus.contrast.phrases import Phrase, analyse
from a2dsplus.contrast.spelling import normalised
from a2dsplus.records import Slot

_Item = TypeVar("_Item")
# rows of roles.parquet of one caption: (frame number, label, slot, cleaned phrase, lemmatised phrase)
Rows = Sequence[tuple[int, str, str, str, str]]

_WORN_LINKS = frozenset(["in", "with", "wear", "have", "dress", "of"])
_PATHS = frozenset(["", "up", "down", "on", "along", "onto", "over", "in", "at", "to", "around"])
# verbs whose object may follow by "with"
_DONE_WITH = frozenset(["play", "walk", "run", "dance", "fight"])
# "jumping into" is no place where one is
_PART_NOUNS = frozenset(["top", "middle", "center", "surface", "back", "edge", "floor", "ground", "piece", "pile"])


def read(rows: Rows, lists: Lists) -> Reading:
    """Return what a caption's rows of roles.parquet say of whom; a caption without roles has an empty referent."""
    return _Reader(rows, lists).reading()


class _Frame:
    """One verb's frame, its phrases taken apart."""

    def __init__(self, rows: Iterable[tuple[int, str, str, str, str]]) -> None:
        self.verb = ""
        self.negated = False
        self.roles: list[tuple[str, str, Phrase]] = []  # label, slot, phrase
        for _, label, slot, phrase, lemma in rows:
            spelt = normalised(_kept(phrase, lemma))
            if not spelt:
                continue
            if label == "ARGM-NEG":
                self.negated = True
            elif slot == Slot.VERB:
                self.verb = spelt
            else:
                self.roles.append((label, slot, analyse(slot, spelt)))

    def is_limited(self, main: Phrase) -> bool:
        """Whether the frame's verb is told of an object, a place or a manner: "not eating the apple", not "not moving at all"."""
        return any(
            slot in (Slot.WHAT, Slot.WHERE, Slot.OTHER)
            and label != "ARGM-NEG"
            and not _same(phrase, main)
            and any(word not in POSITIONS and word not in ("all", "anymore", "it") for word in phrase.words)
            for label, slot, phrase in self.roles
        )

    def of(self, *slots: str) -> Iterator[Phrase]:
        for _, slot, phrase in self.roles:
            if slot in slots:
                yield phrase


class _Reader:
    def __init__(self, rows: Rows, lists: Lists) -> None:
        self.lists = lists
        by_number: dict[int, list[tuple[int, str, str, str, str]]] = {}
        for row in rows:
            by_number.setdefault(row[0], []).append(row)
        self.frames = [_Frame(by_number[number]) for number in sorted(by_number)]

    def reading(self) -> Reading:
        main = self._main()
        if main is None:
            return Reading(referent=Actor(words=""))
        phrases = [main]
        for frame in self.frames:
            phrases += [p for p in frame.of(Slot.WHO, Slot.WHAT) if p is not main and _same(p, main)]
        referent = self._actor(main, phrases, self._frames_of(main))
        joined = [self._actor(part, [part], self._frames_of(main)) for part in main.also if self._classes(part)[1]]
        seen = {id(phrase) for phrase in phrases}
        mentioned = [
            actor
            for frame in self.frames
            for label, slot, phrase in frame.roles
            for actor in self._mentions(phrase, frame, label, slot, referent, is_referent=id(phrase) in seen)
        ]
        mentioned += self._in_name(main)
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
                    return self._unwrapped(phrase)
        return None

    def _unwrapped(self, phrase: Phrase) -> Phrase:
        """Return what "reflection of", "group of" and "front part of" are of."""
        of = next((inner for inner in phrase.attached if inner.preposition == "of"), None)
        if phrase.head in self.lists.containers and of is not None:
            rest = tuple(inner for inner in phrase.attached if inner is not of)
            return Phrase("", of.head, of.modifiers, of.words, (*of.attached, *rest), of.also)
        return phrase

    def _frames_of(self, main: Phrase) -> list[tuple[_Frame, bool]]:
        """Return the frames whose subject somebody is, and those whose object (True)."""
        found = []
        for frame in self.frames:
            subjects = [phrase for phrase in frame.of(Slot.WHO) if not self._is_of_another(phrase)]
            if any(_same(self._unwrapped(phrase), main) for phrase in subjects):
                found.append((frame, self._is_suffered(frame, main)))
            elif any(_same(self._unwrapped(phrase), main) for phrase in frame.of(Slot.WHAT)):
                found.append((frame, True))
            elif frame.verb and not any(True for _ in frame.of(Slot.WHO)):
                found.append((frame, False))
        return found

    def _is_of_another(self, subject: Phrase) -> bool:
        """Whether a verb behind a thing with somebody is that one's: "a train with a man standing nearby"."""
        last = subject.attached[-1] if subject.attached else None
        alive = self.lists.sexed | self.lists.groups["animal"]
        own = self._classes(self._unwrapped(subject))[1]
        return bool(last and last.preposition == "with" and own and not own & alive and self._classes(last)[1] & alive)

    def _is_suffered(self, frame: _Frame, main: Phrase) -> bool:
        """Whether a subject suffers its verb: "a ball is thrown" has no object of its own and is no agent."""
        verb = self.lists.verbs.get(_first(frame.verb), _first(frame.verb))
        if verb not in self.lists.objects or verb in ("walk", "run", "climb", "eat", "play", "dance", "fight", "watch"):
            return False
        labels = [label for label, slot, phrase in frame.roles if slot == Slot.WHO and _same(phrase, main)]
        return bool(labels) and "ARG0" not in labels and not any(True for _ in frame.of(Slot.WHAT))

    # ---- an actor ----------------------------------------------------------------------------------------------------

    def _actor(self, main: Phrase, phrases: Sequence[Phrase], frames: Sequence[tuple[_Frame, bool]]) -> Actor:
        head, classes, used = self._classes(main)
        own = main.words
        kinds = self._kinds(classes, used, own)
        things = self._coloured(main, classes, head)
        attached = [inner for phrase in phrases for part in (phrase, *phrase.also[:0]) for inner in part.attached]
        for inner in attached:
            things += self._worn(inner, classes)
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
                    things += self._worn(_led(phrase, verb), classes)
            if verb == "be" and not frame.negated:
                for phrase in frame.of(Slot.WHAT):
                    things += self._looks(phrase, classes)
            for phrase in frame.of(Slot.WHERE, Slot.OTHER, Slot.WHAT):
                if phrase.preposition in ("in", "with") and not passive:
                    things += self._worn(phrase, classes)
        words = {*own, *(word for phrase in phrases for word in phrase.words)}
        sexes = [self.lists.sex[word] for word in [head, *own] if word in self.lists.sex]
        return Actor(
            words=" ".join(word for word in own if word not in POSITIONS) or main.head,
            head=head,
            classes=classes,
            kinds=kinds,
            sex=sexes[0] if sexes and classes and classes <= self.lists.sexed else _NONE,
            number=next((word for word in own if word in ("two", "three", "four", "five", "six")), ""),
            coloured=tuple(_distinct(things)),
            bare=_union(
                [*(self.lists.bare[word] for word in words if word in self.lists.bare), *self._without(attached)]
            ),
            actions=tuple(_distinct(self._told(actions))),
            objects=tuple(objects),
            places=tuple(_distinct(places)),
        )

    def _classes(self, phrase: Phrase) -> tuple[str, frozenset[str], tuple[str, ...]]:
        """Return the name that a phrase's head goes by, its classes, and the words of that name."""
        own = [word for word in phrase.words if word]
        if len(own) > 1 and own[-1] in YOUNG:
            # "seal pup", "elephant calf"
            name, classes, used = self._named(own[:-1])
            if classes and classes <= self.lists.groups["animal"]:
                return name, classes, used
        return self._named(own) if own else (phrase.head, _NONE, (phrase.head,))

    def _named(self, own: Sequence[str]) -> tuple[str, frozenset[str], tuple[str, ...]]:
        for length in range(min(self.lists.longest, len(own)), 0, -1):
            name = " ".join(own[-length:])
            if name in self.lists.classes:
                return name, self.lists.classes[name], tuple(own[-length:])
        if own and (own[-1] in POSITIONS or own[-1] in COLOURS):
            # a head that is no noun: "white parrot first"
            for place in range(len(own) - 1, 0, -1):
                if own[place - 1] in self.lists.classes:
                    return own[place - 1], self.lists.classes[own[place - 1]], (own[place - 1],)
        return own[-1], _NONE, (own[-1],)

    def _kinds(self, classes: Iterable[str], used: Sequence[str], own: Sequence[str]) -> Mapping[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        name = " ".join(used)
        modifiers = own[: len(own) - len(used)]
        for inner in classes:
            listed = self.lists.kinds.get(inner, {})
            for word in (name, *reversed(used), *reversed(modifiers)):
                if word in listed and not (len(used) > 1 and word == used[-1] and name in self.lists.classes):
                    found[inner] = listed[word]
                    break
        return found

    def _coloured(self, phrase: Phrase, classes: frozenset[str], head: str) -> list[Coloured]:
        own = [word for word in phrase.words if word not in POSITIONS]
        colours = frozenset(self.lists.colours[word] for word in own if word in self.lists.colours)
        person = bool(classes & self.lists.sexed)
        if "haired" in own:
            hair = frozenset(
                self.lists.colours[word] for word in own[: own.index("haired")] if word in self.lists.colours
            )
            return [Coloured("hair", hair, " ".join(own))] if hair else []
        if person:
            # "a white man" may be his skin or his clothes
            worn = colours - {"white", "black", "brown", "yellow", "dark", "light", "golden", "blond", "gray", "red"}
            return [Coloured("main", worn, " ".join(own))] if worn else []
        if len(colours) == 1 and PATTERNS & {*own}:
            return []
        if colours and "multicolored" not in own and "colorful" not in own:
            return [Coloured("body", colours, " ".join(own))]
        listed = [self.lists.kind_colours[word] for word in own if word in self.lists.kind_colours]
        return [Coloured("body", listed[0], " ".join(own))] if listed else []

    def _looks(self, phrase: Phrase, classes: frozenset[str]) -> list[Coloured]:
        """Return what "is black" and "is red in color" say of an animal or a thing."""
        own = [word for word in phrase.words if word != "color"]
        if phrase.preposition or classes & self.lists.sexed or not own or not all(word in COLOURS for word in own):
            return []
        return self._coloured(phrase, classes, phrase.head)

    def _worn(self, phrase: Phrase, classes: frozenset[str]) -> list[Coloured]:
        """Return what "in red", "with a white hat and black shorts" and "wearing jeans" say."""
        if phrase.preposition not in _WORN_LINKS:
            return []
        found = []
        for part in (phrase, *phrase.also):
            colours = frozenset(self.lists.colours[word] for word in part.words if word in self.lists.colours)
            said = " ".join(word for word in part.words if word not in POSITIONS)
            garment = self.lists.garments.get(part.head)
            if part.head == "short" and garment and len(part.words) > 1 and part.also:
                garment = self.lists.garments.get("shorts")
            if (
                garment is None
                and colours
                and all(
                    word in self.lists.colours or word in ("and", "dark", "light", "all", "color")
                    for word in part.words
                )
            ):
                garment = "main" if part.preposition in ("in", "wear", "dress") and classes & self.lists.sexed else None
            if garment == "body" and not classes & self.lists.sexed and not colours:
                garment = None
            if garment in ("hair", "body") and not classes & self.lists.sexed:
                garment = "body"
            if garment and colours and not (len(colours) == 1 and PATTERNS & {*part.words}):
                found.append(Coloured(garment, colours, said))
        return found

    def _without(self, attached: Sequence[Phrase]) -> Iterator[frozenset[str]]:
        """Yield the parts that "without a shirt" and "with no hat" say are bare."""
        for inner in attached:
            for part in (inner, *inner.also):
                garment = self.lists.garments.get(part.head)
                absent = inner.preposition == "without" or (inner.preposition in _WORN_LINKS and "no" in part.words)
                if absent and garment and garment not in ("body", "hair"):
                    plain = len(part.words) == 1 + ("no" in part.words)
                    if plain:
                        yield self.lists.bare["shirtless"] if garment == "top" else frozenset([garment])

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
        classes = _union(self._classes(part)[1] for phrase in things for part in phrase.all())
        if classes & _FIRED and verb == "shoot":
            return "fire"
        if classes & _THROWN:
            return "throw"
        return "move" if verb == "pass" else verb

    def _acted(
        self,
        frame: _Frame,
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
            if slot == Slot.WHAT and not _same(phrase, main):
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
                if phrase.preposition in ("on", "in") and self._classes(phrase)[1] & self._mounts():
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
        elif link == "on" and self._classes(inner)[1] & self._mounts():
            objects.append(("ride", self._thing(inner)))

    def _mounts(self) -> frozenset[str]:
        return self.lists.groups["mount"]

    def _thing(self, phrase: Phrase) -> Actor:
        phrase = self._unwrapped(phrase)
        head, classes, used = self._classes(phrase)
        sexes = [self.lists.sex[word] for word in (head, *phrase.words) if word in self.lists.sex]
        things = self._coloured(phrase, classes, head)
        for inner in phrase.attached:
            things += self._worn(inner, classes)
        return Actor(
            words=" ".join(word for word in phrase.words if word not in POSITIONS) or phrase.head,
            head=head,
            classes=classes,
            kinds=self._kinds(classes, used, phrase.words),
            sex=sexes[0] if sexes and classes and classes <= self.lists.sexed else _NONE,
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
        self, phrase: Phrase, frame: _Frame, label: str, slot: str, referent: Actor, *, is_referent: bool
    ) -> Iterator[Actor]:
        whole = self._unwrapped(phrase)
        parts = list(whole.all())
        if is_referent or (slot == Slot.WHO and parts[0].head == referent.head and not parts[0].modifiers):
            parts = parts[1:]
        for part in parts:
            if (
                part.preposition in ("like", "as", "without")
                or "no" in part.modifiers
                or (part.head in POSITIONS and not _is_worn(part))
            ):
                continue
            yield from self._in_name(part)
            classes = self._classes(part)[1]
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

    def _in_name(self, part: Phrase) -> Iterator[Actor]:
        """Yield what a compound noun names besides its head: a "car driver" has a car, a "horse drawn carriage" a horse."""
        _, classes, used = self._classes(part)
        own = part.words[: len(part.words) - len(used)] if classes & self.lists.groups["animal"] else part.words[:-1]
        for word in own:
            named = self.lists.classes.get(word, _NONE)
            somebody = self.lists.groups["animal"] | self.lists.groups["vehicle"] | self.lists.sexed | {"ball"}
            if named & somebody and not named & classes and word not in ADJECTIVES | COLOURS | _NO_NAMES:
                yield Actor(words=word, head=word, classes=named)

    def _is_own(self, part: Phrase, classes: frozenset[str], referent: Actor) -> bool:
        """Whether a part of a body is the referent's own: "its head", and a person's hand, unless somebody is named."""
        if any(inner.preposition == "of" for inner in part.attached):
            return False
        return bool(referent.classes & self.lists.sexed) or "hand" not in classes

    def _frames_of_other(self, part: Phrase) -> list[tuple[_Frame, bool]]:
        return [
            (frame, False) for frame in self.frames if frame.verb and any(_same(p, part) for p in frame.of(Slot.WHO))
        ]


_NONE: frozenset[str] = frozenset()
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
# words before a noun that say of what kind it is, or of what sex, and name nobody
_NO_NAMES = frozenset(
    ["male", "female", "person", "human", "model", "ray", "police", "cow", "fly", "dig", "race", "auto", "cab"]
)
_FIRED = frozenset(["bow", "gun"])
_THROWN = frozenset(["ball", "frisbee"])
_FAMILY = frozenset(["mother", "father", "parent", "baby", "adult"])
_ANOTHER = frozenset(["another", "other", "others", "one", "friend"])


def _same(phrase: Phrase, other: Phrase) -> bool:
    """Whether two noun phrases of a caption speak of one: the same head, and the own words of one among those of the other."""
    if phrase is other:
        return True
    if phrase.head != other.head or phrase.preposition not in ("", other.preposition, "by"):
        return False
    if _ANOTHER & {*phrase.words, *other.words}:
        return phrase.words == other.words and phrase.attached == other.attached
    return set(phrase.words) <= set(other.words) or set(other.words) <= set(phrase.words)


def _is_worn(phrase: Phrase) -> bool:
    """Whether a word of position is a garment here: "in a pink top" is, "on the top" is not."""
    return phrase.preposition in _WORN_LINKS and phrase.preposition != "of" and len(phrase.words) > 1


def _led(phrase: Phrase, link: str) -> Phrase:
    also = tuple(Phrase(link, p.head, p.modifiers, p.words, p.attached, p.also) for p in phrase.also)
    return Phrase(link, phrase.head, phrase.modifiers, phrase.words, phrase.attached, also)


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


def _kept(phrase: str, lemma: str) -> str:
    """Return a lemma with its phrase's comparatives: "the darker horse" may be brown or gray."""
    said, lemmas = phrase.split(), lemma.split()
    if len(said) != len(lemmas):
        return lemma
    pairs = zip((word.lower() for word in said), lemmas, strict=True)
    return " ".join(word if base in COLOURS and word.endswith(("er", "est")) else base for word, base in pairs)


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    """Return all members; one object where there are none."""
    return frozenset(member for inner in sets for member in inner) or _NONE


def _first(words: str) -> str:
    return words.split()[0] if words else ""


def _distinct(items: Iterable[_Item]) -> list[_Item]:
    found: list[_Item] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found
