"""One spelling of lemmatised phrases: "2 dogs in t-shirts" and "two dogs in t shirts" become the same."""

import re
from functools import cache

_SPELLING = {
    "tshirts": "tshirt",
    "t-shirt": "tshirt",
    "t-shirts": "tshirt",
    "tee-shirt": "tshirt",
    "grey": "gray",
    "colour": "color",
    "coloured": "colored",
    "colourful": "colorful",
    "pyjamas": "pajamas",
    "pyjama": "pajamas",
    "moustache": "mustache",
    "aeroplane": "airplane",
    "blonde": "blond",
    "both": "two",
    "centre": "center",
    "rigth": "right",
    "rightward": "right",
    "rightwards": "right",
    "leftwards": "left",
    "leftward": "left",
    "clothe": "clothes",
    "yoga-mat": "mat",
    "0": "zero",
    **dict(zip("123456789", ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], strict=True)),
    **dict(zip(["1st", "2nd", "3rd", "4th", "5th"], ["first", "second", "third", "fourth", "fifth"], strict=True)),
}
_JOINED = (
    ("t shirt", "tshirt"),
    ("tee shirt", "tshirt"),
    ("basket ball", "basketball"),
    ("foot ball", "football"),
    ("base ball", "baseball"),
    ("volley ball", "volleyball"),
    ("soccer ball", "football"),
    ("motor bike", "motorbike"),
    ("motor cycle", "motorbike"),
    ("skate board", "skateboard"),
    ("snow board", "snowboard"),
    ("surf board", "surfboard"),
    ("back pack", "backpack"),
    ("hand bag", "handbag"),
    ("jelly fish", "jellyfish"),
    ("sun glasses", "sunglasses"),
    ("eye glasses", "glasses"),
    ("ice cream", "icecream"),
    ("tread mill", "treadmill"),
    ("side walk", "sidewalk"),
    ("hot dog", "hotdog"),
    ("ping pong", "pingpong"),
    ("a lot of", "many"),
    ("left most", "leftmost"),
    ("right most", "rightmost"),
    ("left much", "leftmost"),
    ("right much", "rightmost"),
    ("couple of", "two"),
    ("left hand side", "left"),
    ("right hand side", "right"),
    ("left side", "left"),
    ("right side", "right"),
    ("lady bug", "ladybug"),
    ("sea horse", "seahorse"),
    ("gold fish", "goldfish"),
    ("cat fish", "catfish"),
    ("star fish", "starfish"),
)
# "a pair of dogs" are two, "a pair of glasses" are one
_PAIR = re.compile(
    r"\bpair of (?!(?:\w+ )?(?:pant|short|jean|trouser|legging|tight|shoe|sock|boot|glove|glass|sunglass|goggle|scissor|ski))"
)
_JOIN = re.compile(r"\b(?:" + "|".join(re.escape(two) for two, _ in _JOINED) + r")\b")
_JOIN_TO = dict(_JOINED)


@cache
def normalised(lemma: str) -> str:
    """Return a lemmatised phrase in one spelling: "2 dogs in t-shirts" and "two dogs in t shirts" become the same."""
    words = (_SPELLING.get(word, word) for word in lemma.replace("’", "'").split())
    return _PAIR.sub("two ", _JOIN.sub(lambda found: _JOIN_TO[found.group()], " ".join(words)))
