"""Plans of the procedural world: captions that mean one actor, look-alikes that differ only later, ids."""

import re
from dataclasses import replace

import pytest

from a2dsplus.world.captions import vocabulary
from a2dsplus.world.motion import Actor, state
from a2dsplus.world.plan import Plan, plan_video, video_id

PLANS = [plan_video(seed=seed, split="test", index=index) for seed in (0, 3) for index in range(75)]
DESCRIBED = [
    pytest.param(plan, number, id=f"{plan.video_id}/{number}")
    for plan in PLANS
    for number in range(len(plan.actors))
    if not plan.look_alikes or number not in (plan.look_alikes.target, plan.look_alikes.other)
]
WITH_LOOK_ALIKES = [pytest.param(plan, id=plan.video_id) for plan in PLANS if plan.look_alikes]
POSITION = {"left": (0.0, 0.5), "right": (0.5, 1.0), "middle": (0.3, 0.7)}


def camera(plan: Plan, index: int) -> float:
    share = index / (plan.frames - 1)
    return plan.pan / plan.size[0] * (share * share * (3 - 2 * share) - 0.5)


def means(text: str, actor: Actor, plan: Plan) -> bool:
    """Read a caption word by word, without the code that wrote it, and say whether it is true of an actor."""
    words, found = vocabulary(), text.lower().split()
    nouns = [word for word in found if word in words["covers"]]
    if actor.kind not in words["covers"][nouns[0]]:
        return False
    if any(
        word in words["colours"] and word != actor.colour
        for word in found
        if word != "green" or "on the green" not in text
    ):
        return False
    if ({"small", "little"} & set(found) and actor.size >= 1) or ({"big", "large"} & set(found) and actor.size <= 1):
        return False
    spoken = next(word for word in found if word.endswith("ing") or word == "parked")
    actions = {
        action
        for action in RULES
        if spoken in RULES[action]
        or spoken in [v.split()[0] for v in words["verbs_of"].get(actor.kind, {}).get(action, [])]
    }
    if not actions & set(actor.actions):
        return False
    seen = [(state(actor, k).x - camera(plan, k)) * plan.size[0] / plan.size[1] for k in range(plan.frames)]
    seen = [min(1.0, max(0.0, x)) for x in seen]
    side = re.search(r"(?:on the|in the) (left|right|middle)", text.lower())
    if side and not all(POSITION[side[1]][0] <= x <= POSITION[side[1]][1] for x in seen):
        return False
    way = re.search(r"to the (left|right)", text.lower())
    if way and (seen[-1] - seen[0]) * (1 if way[1] == "right" else -1) <= 0.05:
        return False
    return not ("sky" in found and "fly" not in actor.actions)


RULES = {
    "climb": ["climbing"], "crawl": ["crawling", "moving"], "eat": ["eating"], "fly": ["flying"], "jump": ["jumping"],
    "roll": ["rolling"], "run": ["running"], "walk": ["walking"], "stand": ["standing"], "sit": ["sitting"], "lie": ["lying"],
}  # fmt: skip


@pytest.mark.parametrize(("plan", "number"), DESCRIBED)
def test_a_caption_is_true_of_its_actor_and_of_no_other(plan: Plan, number: int) -> None:
    text = plan.captions[number]
    assert [k for k, actor in enumerate(plan.actors) if means(text, actor, plan)] == [number]


def test_captions_are_written_as_in_a2d() -> None:
    texts = [text for plan in PLANS for text in plan.captions]
    assert not [text for text in texts if text != " ".join(text.split()) or text.endswith(".")]
    assert not [text for text in texts if re.search(r"\b[Aa] [aeiou]|\b[Aa]n [^aeiou]", text)]
    capitals = sum(text[0].isupper() for text in texts) / len(texts)
    assert 0.05 < capitals < 0.3
    assert len({text.lower() for text in texts}) > len(texts) / 2


def test_captions_of_one_video_differ() -> None:
    for plan in PLANS:
        assert len({text.lower() for text in plan.captions}) == len(plan.actors)


@pytest.mark.parametrize("plan", WITH_LOOK_ALIKES)
def test_look_alikes_do_the_same_until_they_differ(plan: Plan) -> None:
    pair = plan.look_alikes
    assert pair is not None
    target, other = plan.actors[pair.target], plan.actors[pair.other]
    for of in ("kind", "colour", "size", "variant", "ground", "facing"):
        assert getattr(target, of) == getattr(other, of)
    apart = {round((state(target, k).x - state(other, k).x) * plan.size[0], 6) for k in range(pair.frame - 1)}
    assert len(apart) == 1
    assert apart.pop() % 1 == 0
    for k in range(pair.frame - 1):
        a, b = state(target, k), state(other, k)
        assert (a.action, a.phase, a.y, a.lift, a.tilt) == (b.action, b.phase, b.y, b.lift, b.tilt)
    moved = replace(state(target, pair.frame - 1), x=0.0, phase=0.0)
    stayed = replace(state(other, pair.frame - 1), x=0.0, phase=0.0)
    assert moved != stayed
    early = [number for number in plan.annotated if number < pair.frame]
    late = [number for number in plan.annotated if number >= pair.frame]
    assert len(early) >= 3
    assert len(late) >= 1


def test_a_third_of_the_videos_have_look_alikes_and_sides_are_balanced() -> None:
    for seed in (0, 1, 2):
        for split in ("test", "train"):
            plans = [plan_video(seed=seed, split=split, index=index) for index in range(36)]
            sides = [plan.look_alikes.side for plan in plans if plan.look_alikes]
            assert sides.count("left") == sides.count("right") == 6


def test_the_instance_number_says_nothing_about_the_target() -> None:
    pairs = [plan.look_alikes for plan in PLANS if plan.look_alikes]
    first = sum(pair.target < pair.other for pair in pairs) / len(pairs)
    assert 0.3 < first < 0.7


def test_video_ids_look_like_a2d_s() -> None:
    ids = [video_id(0, split, index) for split in ("test", "train") for index in range(1000)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{11}", name) for name in ids)
    assert any(name.startswith("-") for name in ids[:32])


def test_a_plan_depends_on_its_own_seed_split_and_index_alone() -> None:
    again = plan_video(seed=0, split="test", index=7)
    assert again == PLANS[7]
    assert again != plan_video(seed=1, split="test", index=7)
    assert again.actors != plan_video(seed=0, split="train", index=7).actors
    assert again.actors != plan_video(seed=0, split="test", index=7, attempt=1).actors


def test_every_actor_and_action_of_a2d_occurs() -> None:
    kinds = {actor.kind for plan in PLANS for actor in plan.actors}
    actions = {action for plan in PLANS for actor in plan.actors for action in actor.actions}
    assert kinds == {"man", "woman", "baby", "ball", "bird", "car", "cat", "dog"}
    assert actions == {"climb", "crawl", "eat", "fly", "jump", "roll", "run", "walk", "stand", "sit", "lie"}


def test_training_videos_are_annotated_densely_and_test_videos_as_in_a2d() -> None:
    train = plan_video(seed=0, split="train", index=0)
    assert train.annotated == tuple(range(1, train.frames + 1, 4))
    assert {len(plan.annotated) for plan in PLANS} == {3, 5}
    assert all(32 <= plan.frames <= 64 for plan in PLANS)


SWAPPED = [
    plan_video(seed=seed, split="test", index=index, swap_sides=True) for seed in (0, 3) for index in range(1, 75, 3)
]


@pytest.mark.parametrize("plan", [pytest.param(plan, id=plan.video_id) for plan in SWAPPED])
def test_look_alikes_that_swap_sides_end_on_each_others(plan: Plan) -> None:
    pair = plan.look_alikes
    assert pair

    def sides(index: int) -> list[float]:
        return [state(plan.actors[number], index).x for number in (pair.target, pair.other)]

    before, late = sides(pair.frame - 2), sides(plan.frames - 1)
    assert (before[0] - before[1]) * (late[0] - late[1]) < 0  # who was on the left is on the right
    target, other = (plan.actors[number].segments[0] for number in (pair.target, pair.other))
    assert (target.action, target.phase) == (other.action, other.phase)
    assert target.x[1] - target.x[0] == pytest.approx(other.x[1] - other.x[0])
    assert abs(late[1] - before[0]) < abs(late[1] - before[1])  # the other stands where the target was
