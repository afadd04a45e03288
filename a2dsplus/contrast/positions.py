"""Captions that speak of position: what they say may stop being true in a composite.

A caption's "on the right" is about its own clip. Beside another clip it may be wrong, unless the query stands on that side; "first" and
"at the end" are about time in the same way. Such captions are flagged for review, and `--order truthful` puts the query where its
caption stays true.
"""

import re

LEFT = ("left", "leftmost", "left-most", "lefthand")
RIGHT = ("right", "rightmost", "right-most", "righthand")
_ACROSS = ("middle", "center", "centre", "centered", "corner", "side", "between")
EARLY = ("first", "beginning", "start", "begin", "initially")
LATE = ("last", "end", "finally", "afterwards", "later", "eventually")
# "the left hand", "right to left": no place in the picture
_NO_PLACE = re.compile(
    r"\b(?:left|right)\s+(?:hand|arm|leg|foot|paw|wing|shoulder|ear|eye)\b|\b(?:from\s+)?(?:left|right)\s+to\s+(?:the\s+)?(?:left|right)\b"
)
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)?")


def position_words(text: str) -> tuple[str, ...]:
    """Return a caption's words about its place in the picture or in time, in order, lower case; () if it has none."""
    words = _WORD.findall(_NO_PLACE.sub(" ", text.lower()))
    marked = {*LEFT, *RIGHT, *_ACROSS, *EARLY, *LATE}
    return tuple(word for word in words if word in marked)
