"""The words that the caption grammar draws from. A word that stands several times is drawn that much more often."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in text.split(","))


PEOPLE = _words(
    "man man man man man woman woman woman guy guy guy girl girl boy boy person person person kid child baby baby baby toddler lady"
    " player player soldier runner athlete gymnast instructor climber dancer cyclist skier skater surfer worker coach referee driver"
    " swimmer mother father parent friend someone people men women kids children players goalkeeper gentleman teenager infant human"
    " owner trainer rider chef singer student teacher policeman fan"
)
_ANIMALS = _words(
    "dog dog dog dog dog cat cat cat cat bird bird bird bird puppy kitten parrot parrot duck duck pigeon seagull goose hen rooster"
    " chicken sparrow owl eagle hawk crow raven swan penguin horse cow sheep goat pig rabbit monkey bear elephant lion tiger fox deer"
    " squirrel turtle fish snake lizard frog hamster poodle bulldog shepherd dogs cats birds ducks animal mouse panda giraffe zebra"
    " woodpecker canary ostrich peacock duckling"
)
_VEHICLES = _words(
    "car car car car car car truck van bus train boat bike bicycle motorcycle motorbike scooter jeep suv taxi cab plane airplane"
    " helicopter tractor wagon carriage racecar cars vehicle ship skateboard sedan pickup"
)
_BALLS = _words(
    "ball ball ball ball ball basketball football balls tennis volleyball baseball globe balloon frisbee bubble"
)
SUBJECTS = (
    PEOPLE + _ANIMALS + _ANIMALS[:40] + _VEHICLES + _BALLS + _words("robot toy doll kite hand leaf rock sled tire")
)
OBJECTS = (
    _words(
        "ball ball ball ball food food food car car sandwich apple banana pizza cake watermelon burger noodles corn bread meat carrot"
        " cookie leaf seeds grains meal breakfast lunch salad chicken fish bone water milk coffee beer juice bottle cup glass plate bowl"
        " spoon fork knife phone camera book paper box bag suitcase backpack basket rope stick bat racket club gun rifle bow arrow sword"
        " guitar piano drum violin flute toy doll balloon kite frisbee disc disk wheel tire bike bicycle skateboard cart stroller ladder"
        " chair door window table rock stone branch flower hat shirt shoes hair hands hand arm legs head face tail wings teeth nose ear"
        " horse dog cat bird baby child man woman girl boy something anything it him her them itself himself rope wall tree cord pole bar"
        " fence hill mountain stairs race game match performance television tv computer keyboard microphone flag sign umbrella snow grass"
        " discs steak candy popcorn soup rice egg cheese tomato orange pear grape ice cream"
    )
    + _BALLS[:9]
    + _words("football soccer golf basketball tennis cards")
)
GROUNDS = _words(
    "floor floor floor floor ground ground ground grass grass grass road road street street carpet sand snow water water bed bed couch"
    " sofa chair chair table table bench field track track court stage mat rug tree tree wall wall fence rock rocks hill hills mountain"
    " ladder stairs stairs staircase rope pole bar roof window door doorway room room kitchen bathroom bedroom garage garden yard"
    " backyard lawn park beach sea river lake ocean pool forest woods jungle desert mud dirt ice path pathway trail sidewalk bridge"
    " platform ramp trampoline treadmill slide cage basket box bag bowl plate nest branch sky air air house building hall corridor gym"
    " gymnasium stadium arena rink city street streets crowd shop store office car truck bus train boat camera camera net hoop goal"
    " podium mattress pillow blanket towel crib cradle stroller sink bathtub shelf cabinet cupboard counter desk hole tunnel tube"
    " puddle stream pond shore dock pier wire cord curtain cliff hurdle hurdles obstacle obstacles log barrel bars cone cones line"
    " race game match competition contest show corner edge crosswalk intersection highway driveway lot restaurant bar farm barn zoo mirror board surface deck balcony porch"
)
CLOTHES = _words(
    "shirt shirt shirt shirt shirt top top t-shirt tshirt tshirt pants pants pant shorts shorts short jacket jacket coat dress skirt"
    " suit suit hat hat cap jeans jean uniform jersey sweater hoodie vest costume clothes clothes outfit shoes blouse kimono helmet"
    " glasses gloves socks hair hair scarf tie robe diaper bikini swimsuit tracksuit sportswear tee boots backpack bag trousers gown"
)
COLOURS = _words(
    "white white white black black black red red blue blue green yellow gray gray grey brown orange pink purple violet silver golden"
    " beige dark light navy reddish brownish yellowish colorful striped dotted"
)
ADJECTIVES = _words(
    "big big small small little little large huge tiny tall short long fat cute cute naked topless bald old young asian american wet"
    " fluffy furry fuzzy hairy spotted striped wooden parked flying racing running walking jumping crawling sitting smiling laughing sleeping moving dancing"
    " broken painted uncovered colored bearded dressed tired excited injured plastic metal round happy angry funny lazy fast slow"
    " beautiful dirty clean empty same other blonde dark light bright wild stuffed trained retired playing talking singing growing"
)
COMPOUNDS = _phrases(
    "racing car, running track, bowling ball, living room, swimming pool, parking lot, walking stick, sleeping bag, shopping cart,"
    " dining table, training ground, climbing wall, running shoes, bowling alley, racing track, boxing ring, landing strip, flying disc,"
    " skating rink, fishing boat, washing machine, rocking chair, hiking trail, riding school, ping pong ball, wedding dress, soccer"
    " ball, tennis ball, golf ball, formula car, sports car, race car, monster truck, toy car, rc car, race track, basketball player,"
    " football player, tennis court, basketball court, door frame, cat tree, dog house, bird cage, laser pointer, ice cream, window"
    " shade, bird feeder, fire truck, police car, pickup truck, dog show, talent show, football game, car race, kitchen floor, long jump, high jump, swim suit, front door, tree trunk,"
    " barbed wire, hot dog, teddy bear, cutting board, ironing board, building site, training field, german shepherd, watering can"
)
BODY_PARTS = _words("hand hands mouth arms lap back shoulder knees legs head feet belly stomach")
SIDES = _words(
    "left left left left right right right right middle middle back front top bottom center corner behind background side foreground end"
)
PLACE_PREPOSITIONS = _phrases(
    "on, on, on, on, on, on, on, in, in, in, in, in, at, at, near, near, next to, next to, behind, beside, in front of, in front of,"
    " under, under, inside, inside, by, by, above, between, below, beneath, on top of, in the middle of, on the side of, at the top of,"
    " on the edge of, against, among, alongside, close to, outside, upon, underneath, on the back of, in the corner of, besides, at the"
    " bottom of, opposite, far from, within, in back of, at the end of, on the other side of, amid"
)
PATH_PREPOSITIONS = _phrases(
    "over, over, over, over, through, through, across, along, along, around, around, up, up, up, down, down, down, out of, off, past,"
    " towards, towards, toward, away from, from, from, from, off of, up and down, round, throughout, via"
)
BARE_PATHS = _phrases(
    "up, up, up, down, down, over, over, over, over, around, around, away, away, out, off, back, forward, forwards, backward, backwards,"
    " up and down, up and down, up and down, back and forth, back and forth, around and around, sideways, upstairs, downstairs, through,"
    " along, left, right, upwards, downwards, in, on, in and out, home, by, uphill, downhill, straight ahead, left and right, across, high"
)
MANNERS = _phrases(
    "slowly, slowly, quickly, fast, fast, very fast, happily, crazily, carefully, alone, together, together, in slow motion, in slow"
    " motion, at high speed, at full speed, in a circle, in circles, like a dog, like a baby, in a funny way, very slowly, still, hard,"
    " loudly, quietly, gently, with his hands, with a stick, with two hands, with both hands, with its mouth, on its back, on his"
    " stomach, on a leash, on a leash, on his knees, on her knees, on hands and knees, on all fours, on two legs, on one leg, in a row, in line, side by side,"
    " barefoot, well, with a fork, in a hurry, smoothly, by hand, upright, with chopsticks, from side to side"
)
TIMES = _phrases(
    "suddenly, suddenly, then, again, first, now, finally, at the beginning, at the end, at night, during a race, during the game, in"
    " the morning, all the time, for a moment, after a while, before the race, during training, already, at the same time, at first,"
    " several times, during the competition, still, later, for a while, next, at the start, today, after the race, at last"
)
INTRANSITIVES = _words(
    "walk walk walk walk walk walk walk run run run run run run roll roll roll roll roll stand stand stand stand stand jump jump jump"
    " jump jump climb climb climb climb crawl crawl crawl crawl fly fly fly fly sit sit sit sit eat eat move move play play lie lie"
    " lay bounce bounce race bowl fall fall dance spin turn rotate crouch kneel squat hop leap swim slide skip jog sprint march"
    " wander stroll trot gallop hike skate ski surf sail float drift crash drive ride travel cycle land rest sleep hang swing rock"
    " tumble flip somersault stumble slip trip limp waddle creep sneak hide wait stay lean bend stretch exercise train practice"
    " work sing talk laugh smile cry bark meow chirp yawn peck sniff dig fight wrestle box perform pose appear return approach"
    " go go come pass head proceed escape flee circle hover soar glide descend ascend rise sink dive plunge whirl twirl shake"
    " tremble wiggle squirm flap flutter perch nod wave clap cheer drink breathe pant speed accelerate brake stop start park reverse"
    " relax meditate pray study graze feed scramble shuffle pace parade compete participate juggle boulder burn glow flash explode"
)
TRANSITIVES = _phrases(
    "eat, eat, eat, eat, eat, eat, throw, throw, throw, throw, kick, kick, catch, catch, hold, hold, hold, watch, watch, watch, follow,"
    " follow, chase, push, pull, carry, climb, climb, climb, play, play, play, shoot, dribble, dribble, pass, roll, ride, drive, lead,"
    " walk, jump, cross, enter, leave, lick, bite, chew, drink, feed, wear, touch, pet, hug, kiss, brush, comb, wash, clean, wipe, cook,"
    " cut, chop, open, close, lift, raise, drop, pour, fill, stir, mix, spin, rotate, turn, swing, hit, punch, beat, strike, bounce, grab,"
    " take, bring, put, place, move, use, operate, build, paint, draw, write, read, film, record, photograph, see, face, approach, attack,"
    " defend, fight, help, teach, train, guide, guard, support, pick up, pick up, put down, put on, take off, pick, peck, sniff, hunt,"
    " search, tease, wag, flap, wave, clap, shake, stretch, bend, cover, uncover, surround, overtake, win, run, bowl, serve, toss, flip,"
    " juggle, balance, squeeze, break, tear, fold, tie, blow, light, dig, plant, water, pluck, peel, taste, swallow, smell, sell, buy,"
    " give, show, set up, knock down, receive, hunt, hang, fix, repair, inspect, examine, measure, tap, scratch, stroke, swim, dance"
)
PREPOSITIONAL = (
    ("look", "at", "ARG1"),
    ("look", "at", "ARG1"),
    ("stare", "at", "ARG1"),
    ("gaze", "at", "ARG1"),
    ("bark", "at", "ARG1"),
    ("smile", "at", "ARG1"),
    ("laugh", "at", "ARG1"),
    ("wave", "at", "ARG1"),
    ("point", "at", "ARG1"),
    ("listen", "to", "ARG1"),
    ("look", "for", "ARG1"),
    ("search", "for", "ARG1"),
    ("wait", "for", "ARG1"),
    ("compete", "for", "ARG1"),
    ("talk", "to", "ARG2"),
    ("speak", "to", "ARG2"),
    ("wave", "to", "ARG2"),
    ("talk", "with", "ARGM-COM"),
    ("play", "with", "ARGM-COM"),
    ("play", "with", "ARGM-COM"),
    ("play", "with", "ARGM-COM"),
    ("play", "with", "ARGM-COM"),
    ("fight", "with", "ARGM-COM"),
    ("interact", "with", "ARGM-COM"),
    ("walk", "with", "ARGM-COM"),
    ("walk", "with", "ARGM-COM"),
    ("dance", "with", "ARGM-COM"),
    ("run", "with", "ARGM-COM"),
    ("train", "for", "ARGM-PRP"),
    ("practice", "for", "ARGM-PRP"),
    ("prepare", "for", "ARGM-PRP"),
    ("dress", "as", "ARGM-PRD"),
    ("eat", "with", "ARGM-MNR"),
    ("hit", "with", "ARGM-MNR"),
)
DOINGS = (
    *(
        ("do", what)
        for what in _phrases(
            "a trick, a flip, exercise, push ups, pull ups, a handstand, gymnastics, yoga, sports, archery, karate"
        )
    ),
    *(
        ("perform", what)
        for what in _phrases("a dance, a trick, a somersault, tricks, a long jump, a flip, a show, a stunt")
    ),
    *(("make", what) for what in _phrases("a turn, a jump, a salad, a cake, a circle, a u turn, noise, a phone call")),
    *(
        ("take", what)
        for what in _phrases("a bath, a picture, care of the baby, a walk, a photo, pictures, a nap, part in the race")
    ),
    *(("give", what) for what in _phrases("a speech, a show, a lecture, instructions")),
    ("have", "a meal"),
    ("have", "lunch"),
    ("ride", "a bike"),
    ("play", "football"),
    ("play", "bowling"),
    ("play", "golf"),
    ("play", "the guitar"),
    ("play", "a game"),
    ("play", "basketball"),
)
PASSIVES = _words(
    "parked parked parked parked parked parked parked thrown thrown thrown held held kicked dribbled dribbled passed caught rolled"
    " walked fed pushed pulled carried bounced hit shot chased driven covered seated stuck lifted led followed ridden petted tied"
    " painted washed placed put hidden broken surrounded controlled holded throwed attacked eaten watched trained tossed dropped"
    " dressed used cut opened supported helped occluded hung touched moved cleaned"
)
VERBS = _words(
    "begin cause try keep continue finish allow happen change increase enjoy explain demonstrate celebrate communicate represent"
    " investigate explore discover protect rescue release deliver collect gather separate divide join attach remove replace adjust"
    " control manage observe notice recognise imitate mimic fake pretend slap poke nudge tickle cuddle swallow devour munch nibble"
    " gobble sip slurp gulp inhale drag haul tow lug hoist lower tilt tip dump spill splash spray sprinkle scatter spread smear rub"
    " polish scrub sweep mop vacuum dust trim shave clip carve slice dice mince grate whisk knead bake roast fry boil grill toast"
)
