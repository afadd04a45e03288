"""The closed word lists that cleaning, slots and lemmas rest on. All in lower case."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BE = _words("am is are was were be been being 's 're 'm")

ARTICLES = _words("a an the")
DETERMINERS = ARTICLES | _words("this that these those some any each every either his her its their my your our")
"""Words that name nothing by themselves. Numerals and "all", "another", "other", "no" change what is meant: they stay."""

PRONOUNS = _words("it he she they him her them")
"""Words that stand for somebody who is named elsewhere."""

RELATIVES = _words("who whom whose which that")
AUXILIARY_LABELS = _words("ARGM-MOD ARGM-AUX")

PREPOSITIONS = _words(
    "about above across after against along alongside amid among around as at atop away back before behind below "
    "beneath beside besides between beyond by down during for from in inside into like near nearby next off on "
    "onto out outside over past per round since through throughout till to toward towards under underneath until "
    "up upon via while with within without of"
)

PLACE_PREPOSITIONS = _words(
    "above across against along alongside amid among around at atop behind below beneath beside besides between "
    "beyond by down from in inside into near next off on onto out outside over past round through throughout to "
    "toward towards under underneath up upon within away back close nearby ahead apart opposite"
)
"""What a phrase of place, path or goal begins with."""

PLACE_ADVERBS = _words(
    "left right up down forward forwards backward backwards away out off back over around along ahead aside "
    "sideways upward upwards downward downwards inward outward inside outside upstairs downstairs here there "
    "elsewhere home nearby underwater overhead uphill downhill abroad through across behind above below "
    "underneath in on ashore apart"
)

POSITION_NOUNS = _words(
    "left right middle center centre top bottom front back side corner edge foreground background rear end row sideline"
)

TIME_WORDS = _words(
    "suddenly then first finally later again already now still afterwards afterward eventually immediately "
    "initially lastly soon once twice always never sometimes recently today tonight meanwhile"
)
TIME_PREPOSITIONS = _words("during before after while when until till since whilst")
TIME_NOUNS = _words("end beginning start time moment second minute hour day night morning evening afternoon while once")

MANNER_PHRASES = (
    "in slow motion",
    "in motion",
    "in a hurry",
    "in hurry",
    "in unison",
    "in sync",
    "in turn",
    "in fear",
    "in anger",
    "in vain",
    "at full speed",
    "at high speed",
    "at speed",
    "at once",
    "on foot",
    "on purpose",
    "by hand",
    "by itself",
    "by himself",
    "by herself",
    "by themselves",
    "on its own",
    "on his own",
    "on her own",
    "on all fours",
    "to music",
    "upside down",
    "up close",
)
"""Phrases that begin as a phrase of place does and tell how."""

CLOTHES = _words(
    "shirt shirts tshirt tshirts t-shirt t-shirts tee top dress skirt short shorts pant pants trousers jeans "
    "jacket coat suit suits uniform uniforms jersey jerseys sweater hoodie vest swimsuit bikini diaper diapers "
    "hat cap helmet shoes boots clothes clothing cloth costume outfit robe gown tie scarf gloves glasses "
    "sunglasses mask kimono pajamas overalls blouse cardigan leotard tights leggings socks gear sportswear "
    "tracksuit sweatshirt sleeves stripes camouflage"
)
COLOURS = _words(
    "red green blue yellow black white gray grey brown orange pink purple violet golden gold silver beige tan "
    "khaki navy maroon cyan turquoise dark light bright striped plaid spotted"
)
"""With "in", clothes and colours say what somebody wears, not where they are."""

RECIPIENT_VERBS = _words("give show talk speak say tell listen sing offer hand teach wave lend sell belong")
"""Verbs whose "to ..." names to whom, not where to."""

INFINITIVE_VERBS = _words(
    "try start want begin learn attempt need help like use prepare wait continue seem fail manage"
)
"""Verbs whose "to ..." is an infinitive."""

GAZE_VERBS = _words("look stare gaze glance laugh bark smile wave point shout aim yell growl peek wink grin")
"""Verbs whose "at ..." names their object."""

GERUND_NOUNS = _words(
    "building ceiling railing ring string king wing thing something anything nothing everything morning evening "
    "wedding clothing spring swing sling being duckling sibling painting crossing parking landing siding awning "
    "paving opening ending beginning earring stocking bedding lightning sterling pudding clearing"
)
"""Nouns in -ing that captions use; any other word in -ing is taken for a participle."""

SET_FORMS = {
    "shorts": "shorts",
    "pants": "pants",
    "trousers": "trousers",
    "glasses": "glasses",
    "sunglasses": "sunglasses",
    "goggles": "goggles",
    "bars": "bar",
    "leaves": "leaf",
    "upstairs": "upstairs",
    "downstairs": "downstairs",
    "towards": "toward",
    "besides": "beside",
    "backwards": "backward",
    "forwards": "forward",
    "oxen": "ox",
}
"""Forms whose dictionary entry is not what captions mean by them ("leaves" is no plural of "leave" in a tree)."""

MISSPELT_VERBS = {
    "siting": "sit",
    "runing": "run",
    "swiming": "swim",
    "hiting": "hit",
    "climing": "climb",
    "roling": "roll",
    "carring": "carry",
}
"""Slips of captions that are, or look like, forms of another verb ("site")."""

FUNCTION_WORDS = (
    DETERMINERS
    | RELATIVES
    | _words(
        "and or but nor so than both all no not only another other others it he she they him them himself herself "
        "itself themselves hers theirs one ones someone somebody there here what where when how why too very"
    )
)
