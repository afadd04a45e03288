"""Written captions: a small grammar of video captions whose roles are known by construction.

PropBank labels one construction differently from verb to verb ("on the chair" is ARG2 of sit and ARGM-LOC of eat; the subject is
ARG1 of fall and ARG0 of run). Contrasts compare captions, so here the construction alone decides: the subject of an active verb is
ARG0 (ARG1 of "be" and of a passive), the object ARG1; places are ARGM-LOC, paths, sources and particles of motion ARGM-DIR, goals
with to, into or onto ARG2; each locative preposition but "of" begins a phrase of its own. No caption of any dataset is in here.
"""

from dataclasses import dataclass, field

import numpy as np

from a2dsplus.roles.training.corpus import Sentence
from a2dsplus.roles.training.grammar_phrases import Phrases, Words
from a2dsplus.roles.training.grammar_words import (
    ADJECTIVES,
    BARE_PATHS,
    COLOURS,
    DOINGS,
    INTRANSITIVES,
    MANNERS,
    OBJECTS,
    PASSIVES,
    PATH_PREPOSITIONS,
    PEOPLE,
    PREPOSITIONAL,
    SIDES,
    SUBJECTS,
    TIMES,
    TRANSITIVES,
    VERBS,
)

Parts = list[tuple[str, Words]]
"""(role, words) in the caption's order; role "" is outside the frame."""


@dataclass
class _Caption:
    """A caption under construction: words so far, and frames as spans."""

    words: Words = field(default_factory=list)
    frames: list[dict[tuple[int, int], str]] = field(default_factory=list)

    def say(self, words: Words) -> tuple[int, int]:
        start = len(self.words)
        self.words.extend(words)
        return start, len(self.words)

    def sentence(self) -> Sentence:
        frames = []
        for spans in self.frames:
            tags = ["O"] * len(self.words)
            predicate = -1
            for (start, end), role in spans.items():
                tags[start:end] = [f"B-{role}"] + [f"I-{role}"] * (end - start - 1)
                predicate = start if role == "V" else predicate
            frames.append((predicate, tuple(tags)))
        return Sentence(words=tuple(self.words), frames=tuple(frames), complete=True)


class CaptionGrammar:
    """Draws captions. The same seed gives the same captions."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._draw = Phrases(rng)

    def caption(self) -> Sentence:
        """Return one caption with a frame for each of its verbs."""
        kind = self._draw.pick(
            {
                "active": 62,
                "passive": 9,
                "copula": 6,
                "bare": 6,
                "reduced": 6,
                "relative": 3,
                "raised": 3,
                "perceived": 5,
            }
        )
        made = getattr(self, f"_{kind}")(_Caption())
        if self._draw.chance(0.12):
            made.say(["."])
        return self._misspelt(made.sentence())

    def noun_phrase(self) -> list[str]:
        """Return the words of one subject."""
        return self._draw.subject()

    # Sentence patterns

    def _active(self, made: _Caption) -> _Caption:
        subject = self._draw.subject()
        fronted = self._draw.any(TIMES).split() if self._draw.chance(0.015) else []
        before = made.say(fronted)
        who = made.say(subject)
        form = self._draw.pick({"is": 52, "bare": 36, "finite": 6, "slip": 3, "in": 2, "has": 1})
        head = {"is": [self._draw.pick({"is": 94, "are": 5, "was": 1})], "in": ["in"], "has": ["has", "been"]}.get(
            form, []
        )
        made.say(head)
        inflection = {"finite": self._draw.pick({"s": 5, "ed": 1}), "slip": ""}.get(form, "ing")
        adverb = self._draw.any(TIMES + MANNERS) if self._draw.chance(0.03) else ""
        frame = self._verb_phrase(made, who, inflection, adverb)
        if fronted:
            frame[before] = "ARGM-TMP"
        more = 0.17
        while self._draw.chance(more):
            more = 0.06
            joint = self._draw.pick({"and": 76, "and then": 10, "then": 4, ",": 5, "while": 5})
            start = made.say(joint.split()[:1])[0] if joint != "then" else len(made.words)
            if joint == "and" and self._draw.chance(0.25) and form in ("is", "bare"):
                made.say(["is"])
            later = (
                "then"
                if joint.endswith("then")
                else (self._draw.any(("suddenly", "then", "finally", "again")) if self._draw.chance(0.04) else "")
            )
            second = self._verb_phrase(made, who, inflection if joint != "while" else "ing", later)
            if joint == "while":
                frame[(start, len(made.words))] = "ARGM-TMP"
            frame = second
        return made

    def _passive(self, made: _Caption) -> _Caption:
        what = made.say(self._draw.subject(things=0.7))
        made.say(self._draw.pick({"is": 62, "": 28, "is being": 8, "in": 2}).split())
        frame = {what: "ARG1"}
        frame[made.say([self._draw.any(PASSIVES)])] = "V"
        if self._draw.chance(0.5):
            frame[made.say(["by", *self._draw.noun_phrase(self._draw.any(PEOPLE), sided=0.2)])] = "ARG0"
        self._adjuncts(made, frame, 0.55)
        made.frames.append(frame)
        return made

    def _copula(self, made: _Caption) -> _Caption:
        what = made.say(self._draw.subject())
        frame = {what: "ARG1", made.say([self._draw.pick({"is": 9, "are": 1})]): "V"}
        if self._draw.chance(0.8):
            where = self._draw.place()
            if self._draw.chance(0.15):
                where += self._draw.place()
            frame[made.say(where)] = "ARG2"
        else:
            frame[made.say([*(["very"] if self._draw.chance(0.2) else []), self._draw.any(ADJECTIVES + COLOURS)])] = (
                "ARG2"
            )
        made.frames.append(frame)
        return made

    def _bare(self, made: _Caption) -> _Caption:
        made.say(self._draw.subject(sided=0.2))
        if self._draw.chance(0.7):
            made.say(self._draw.place())
        if self._draw.chance(0.2):
            made.say(self._draw.place())
        return made

    def _reduced(self, made: _Caption) -> _Caption:
        """A participle that modifies the subject of another verb."""
        start = len(made.words)
        who = made.say(self._draw.noun_phrase(self._draw.any(SUBJECTS), sided=0.05))
        self._verb_phrase(made, who, "ing", "", adjuncts=0.6)
        whole = (start, len(made.words))
        made.say(["is"])
        self._verb_phrase(made, whole, "ing", "")
        return made

    def _relative(self, made: _Caption) -> _Caption:
        who = made.say(self._draw.subject())
        link = made.say([self._draw.pick({"who": 6, "that": 3, "which": 1})])
        made.say(["is"])
        frame = self._verb_phrase(made, who, "ing", "")
        frame[link] = "R-ARG0"
        return made

    def _raised(self, made: _Caption) -> _Caption:
        """start to walk, trying to catch a ball, appears to be flying."""
        who = made.say(self._draw.subject())
        form = self._draw.pick({"is": 5, "s": 4, "ing": 2})
        made.say(["is"] if form == "is" else [])
        verb = self._draw.any(("start", "begin", "try", "want", "attempt", "learn", "prepare"))
        frame = {who: "ARG0", made.say([_inflected(verb, "s" if form == "s" else "ing")]): "V"}
        made.frames.append(frame)
        start = made.say(["to"])[0]
        self._verb_phrase(made, who, "", "")
        frame[(start, len(made.words))] = "ARG1"
        return made

    def _perceived(self, made: _Caption) -> _Caption:
        """watching a dog run, making his child walk, showing kids how to dribble."""
        who = made.say(self._draw.noun_phrase(self._draw.any(PEOPLE), sided=0.2))
        made.say(self._draw.pick({"is": 6, "": 4}).split())
        kind = self._draw.pick({"see": 5, "make": 3, "how": 1, "purpose": 4, "using": 2})
        verb = {"see": "watch film see", "make": "make let help", "how": "show teach"}.get(kind)
        if verb is None:
            frame = self._verb_phrase(made, who, "ing", "", adjuncts=0.3)
            start = len(made.words)
            if kind == "purpose":
                made.say(["to"])
                self._verb_phrase(made, who, "", "", adjuncts=0.3)
            else:
                inner = {who: "ARG0", made.say(["using"]): "V"}
                inner[made.say(self._draw.noun_phrase(self._draw.any(OBJECTS), sided=0))] = "ARG1"
                made.frames.append(inner)
            frame[(start, len(made.words))] = "ARGM-PRP" if kind == "purpose" else "ARGM-MNR"
            return made
        frame = {who: "ARG0", made.say([_inflected(self._draw.any(verb.split()), "ing")]): "V"}
        made.frames.append(frame)
        start = len(made.words)
        other = made.say(self._draw.noun_phrase(self._draw.any(SUBJECTS), sided=0.1))
        if kind == "how":
            frame[other] = "ARG2"
            manner = made.say(["how"])
            start = manner[0]
            made.say(["to"])
        elif kind == "make" and self._draw.chance(0.25):
            made.say(["to"])
        inner = self._verb_phrase(made, other, "ing" if kind == "see" and self._draw.chance(0.7) else "", "")
        if kind == "how":
            inner[manner] = "ARGM-MNR"
        frame[(start, len(made.words))] = "ARG1"
        return made

    # Phrases

    def _verb_phrase(
        self, made: _Caption, who: tuple[int, int], inflection: str, adverb: str, *, adjuncts: float = 0.72
    ) -> dict[tuple[int, int], str]:
        """Say a verb with what follows it; add and return its frame."""
        frame = {who: "ARG0"}
        made.frames.append(frame)
        if adverb:
            frame[made.say(adverb.split())] = "ARGM-TMP" if adverb in TIMES else "ARGM-MNR"
        kind = self._draw.pick({"intransitive": 58, "transitive": 26, "prepositional": 9, "do": 3, "other": 4})
        if kind == "intransitive":
            frame[made.say([_inflected(self._draw.any(INTRANSITIVES), inflection)])] = "V"
            if self._draw.chance(0.06):
                frame[made.say(self._draw.any(BARE_PATHS).split())] = "ARGM-DIR"
        elif kind == "transitive":
            verb, _, particle = self._draw.any(TRANSITIVES).partition(" ")
            word = made.say([_inflected(verb, inflection)])
            frame[word] = "V"
            if self._draw.chance(0.04):  # holding and eating a sandwich
                made.say(["and"])
                other = {who: "ARG0", made.say([_inflected(self._draw.any(TRANSITIVES).split()[0], inflection)]): "V"}
                made.frames.append(other)
                other[made.say(self._draw.object())] = "ARG1"
                frame[next(reversed(other))] = "ARG1"
                frame = other
            elif particle:
                del frame[word]
                frame[(word[0], made.say([particle])[1])] = "V"
                frame[made.say(self._draw.object())] = "ARG1"
            else:
                frame[made.say(self._draw.object())] = "ARG1"
        elif kind == "prepositional":
            verb, preposition, role = self._draw.any(PREPOSITIONAL)
            frame[made.say([_inflected(verb, inflection)])] = "V"
            whom = self._draw.noun_phrase(self._draw.any(OBJECTS if self._draw.chance(0.4) else SUBJECTS), sided=0.0)
            frame[made.say([preposition, *whom])] = role
        elif kind == "do":
            verb, what = self._draw.any(DOINGS)
            frame[made.say([_inflected(verb, inflection)])] = "V"
            frame[made.say(what.split())] = "ARG1"
        else:
            frame[made.say([_inflected(self._draw.any(VERBS), inflection)])] = "V"
            if self._draw.chance(0.5):
                frame[made.say(self._draw.object())] = "ARG1"
        self._adjuncts(made, frame, adjuncts)
        return frame

    def _adjuncts(self, made: _Caption, frame: dict[tuple[int, int], str], chance: float) -> None:
        while self._draw.chance(chance):
            chance *= 0.3
            kind = self._draw.pick(
                {
                    "place": 62,
                    "path": 15,
                    "goal": 9,
                    "bare": 5,
                    "manner": 6,
                    "time": 4,
                    "company": 4,
                    "fromto": 2,
                    "goalpath": 1,
                }
            )
            if kind == "place":
                frame[made.say(self._draw.place())] = "ARGM-LOC"
            elif kind == "path":
                words = [*self._draw.any(PATH_PREPOSITIONS).split(), *self._draw.ground()]
                if self._draw.chance(0.03):
                    words += ["and", *self._draw.any(PATH_PREPOSITIONS).split(), *self._draw.ground()]
                frame[made.say(words)] = "ARGM-DIR"
            elif kind == "goal":
                frame[made.say([self._draw.pick({"to": 4, "into": 3, "onto": 2}), *self._draw.ground(sided=0.25)])] = (
                    "ARG2"
                )
            elif kind == "bare":
                frame[made.say(self._draw.any(BARE_PATHS).split())] = "ARGM-DIR"
            elif kind == "manner":
                frame[made.say(self._draw.any(MANNERS).split())] = "ARGM-MNR"
            elif kind == "time":
                frame[made.say(self._draw.any(TIMES).split())] = "ARGM-TMP"
            elif kind == "company":
                other = self._draw.noun_phrase(self._draw.any(SUBJECTS), sided=0.0)
                tied = (
                    ["on", *self._draw.pick({"a leash": 5, "the leash": 2, "her shoulder": 1, "his back": 1}).split()]
                    if self._draw.chance(0.15)
                    else []
                )
                frame[made.say(["with", *other, *tied])] = "ARGM-COM"
            elif kind == "fromto":
                start, end = self._draw.any(SIDES), self._draw.any(SIDES)
                article = ["the"] if self._draw.chance(0.4) else []
                frame[made.say(["from", *article, start])] = "ARGM-DIR"
                frame[made.say(["to", *article, end])] = "ARG2"
            else:
                frame[made.say(self._draw.any(("up", "down", "out", "back", "over", "off", "away")).split())] = (
                    "ARGM-DIR"
                )
                frame[made.say(self._draw.place())] = "ARGM-LOC"

    def _misspelt(self, sentence: Sentence) -> Sentence:
        """One word in fifty or so loses, doubles or swaps a letter."""
        words = []
        for word in sentence.words:
            if len(word) > 4 and self._draw.chance(0.02):
                at = int(self._draw.rng.integers(1, len(word) - 1))
                word = self._draw.any(
                    (
                        word[:at] + word[at + 1 :],
                        word[:at] + word[at] + word[at:],
                        word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :],
                    )
                )
            words.append(word)
        return Sentence(words=tuple(words), frames=sentence.frames, complete=True)


def _inflected(verb: str, ending: str) -> str:
    """Return a regular or common irregular form; `ending` is "", "s", "ing" or "ed"."""
    from lemminflect import getInflection

    tag = {"": "VB", "s": "VBZ", "ing": "VBG", "ed": "VBD"}[ending]
    return str(getInflection(verb, tag=tag)[0])
