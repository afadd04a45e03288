"""The 80 classes of COCO detectors, and the nouns by which captions name them."""

import re
from collections.abc import Sequence

from a2dsplus.models import RolePhrase
from a2dsplus.records import Slot

CLASSES = [
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "bed",
    "dining table",
    "toilet",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
]
"""Their names, in the order in which detectors with 80 outputs count them."""

GAPS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
"""The numbers from 1 to 90 that COCO's own counting leaves out; detectors with 90 or 91 outputs count that way."""

_NOUNS = {
    "person": (
        "person people man men woman women boy girl baby child children kid toddler infant guy lady adult human player athlete rider driver "
        "dancer runner jogger gymnast cyclist biker skier skater surfer swimmer climber walker wrestler fighter boxer soldier officer policeman "
        "teen teenager gentleman male female crowd somebody someone kicker goalie goalkeeper referee batter acrobat performer singer worker "
        "friend mother father mom dad brother sister son daughter couple family team student teacher model bride groom jumper diver golfer "
        "cheerleader skateboarder snowboarder daredevil stuntman fireman clown warrior"
    ),
    "bird": "bird duck duckling goose geese chicken hen rooster chick eagle hawk falcon owl parrot parakeet cockatoo pigeon dove seagull gull swan crow raven penguin ostrich peacock turkey pelican flamingo sparrow crane heron stork vulture finch canary macaw",
    "cat": "cat kitten kitty",
    "dog": "dog puppy pup doggy hound retriever labrador husky poodle terrier bulldog pug chihuahua",
    "car": "car vehicle suv jeep van sedan taxi cab automobile convertible minivan hatchback bmw",
    "sports ball": "ball basketball football volleyball baseball soccerball balls bowling",
    "horse": "horse pony",
    "truck": "truck pickup lorry",
    "bus": "bus",
    "bicycle": "bicycle bike",
    "motorcycle": "motorcycle motorbike scooter",
    "boat": "boat ship canoe kayak",
    "airplane": "airplane plane aeroplane jet",
    "cow": "cow bull calf cattle",
    "sheep": "sheep lamb",
    "elephant": "elephant",
    "bear": "bear panda",
}
_NUMBERS = {noun: CLASSES.index(name) for name, nouns in _NOUNS.items() for noun in nouns.split()}
_NUMBERS |= {name: number for number, name in enumerate(CLASSES) if " " not in name and name not in ("orange", "mouse")}


def named_class(text: str, roles: Sequence[RolePhrase] | None = None) -> int | None:
    """Return the 0-based class that a caption's referent is of, None where no noun of it is known.

    The caption's first *who* is looked at first, then the whole caption. Of nouns side by side ("soccer player", "toy dog") the last counts.
    """
    phrases = [role.phrase for role in roles or () if role.slot == Slot.WHO][:1]
    for phrase in (*phrases, text):
        words = re.findall(r"[a-z]+", phrase.lower())
        numbers = [_number(word) for word in words]
        for place, number in enumerate(numbers):
            if number is not None and (place + 1 == len(numbers) or numbers[place + 1] is None):
                return number
    return None


def of_coco(number: int) -> int | None:
    """Return the 0-based class of COCO's own number, 1 to 90; None for one that it leaves out."""
    if not 1 <= number <= 90 or number in GAPS:
        return None
    return number - 1 - sum(gap < number for gap in GAPS)


def _number(word: str) -> int | None:
    for form in (word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ies") + "y"):
        if form in _NUMBERS:
            return _NUMBERS[form]
    return None
