"""Where a model fails: groups are those of the samples, captions and masks."""

from pathlib import Path

import pytest

from a2dsplus.score import SubsetScore, evaluate
from a2dsplus.score.diagnosis import _actor
from tests.score.score_data import box, write_samples, write_truth

HALF, FULL = box(4, 8, 0, 0, 4, 2), box(4, 8, 0, 0, 4, 4)


def sample(video: str, differing: list[str], tier: int, text: str) -> dict[str, object]:
    part = {
        "query_id": f"{video}/0",
        "video_id": video,
        "instance_id": "0",
        "text": text,
        "frames": 2,
        "height": 4,
        "width": 4,
    }
    return {"sample_id": f"{video}_0", "layout": "spatial", "order": "query-first", "height": 4, "width": 8, "frames": 2,
            "query": part, "contrast": {**part, "video_id": "other"}, "differing": differing, "tier": tier}  # fmt: skip


@pytest.fixture
def own(tmp_path: Path) -> SubsetScore:
    truth = {f"{video}_0/00001/0": FULL for video in "abc"}
    write_truth(tmp_path, "S", truth)
    write_samples(
        tmp_path,
        "S",
        [
            sample("a", ["verb"], 1, "the man is jumping"),
            sample("b", ["who"], 1, "a brown Dog, running"),
            sample("c", ["verb", "where"], 2, "a man on the left"),
        ],
    )
    predicted = {"a_0/00001/0": HALF, "b_0/00001/0": FULL, "c_0/00001/0": ~FULL}
    return evaluate({"S": predicted}, tmp_path, resamples=0).subsets["S"]


def miou(own: SubsetScore, title: str) -> dict[str, float | None]:
    (table,) = (table for table in own.tables if table.title == title)
    return {group.name: group.figures["mIoU"] for group in table.groups}


def test_by_differing_role(own: SubsetScore) -> None:
    assert miou(own, "by differing role") == {"only who": 1, "only verb": 0.5, "verb and more": 0, "where and more": 0}


def test_by_tier(own: SubsetScore) -> None:
    assert miou(own, "by tier") == {"tier 1": 0.75, "tier 2": 0}


def test_by_actor(own: SubsetScore) -> None:
    assert miou(own, "by actor") == {"adult": 0.25, "dog": 1}


def test_by_area_and_number_of_actors(own: SubsetScore) -> None:
    assert miou(own, "by the referent's area") == {"small (< 32²)": 0.5}
    assert miou(own, "by number of described actors") == {"1": 0.5}


def test_groups_tell_the_leak(own: SubsetScore) -> None:
    (table,) = (table for table in own.tables if table.title == "by differing role")
    assert [group.figures["leak"] for group in table.groups] == [0, 0, 1, 1]


def test_worst_units_come_first(own: SubsetScore) -> None:
    assert [(unit.image_id, unit.iou) for unit in own.worst] == [
        ("c_0/00001/0", 0),
        ("a_0/00001/0", 0.5),
        ("b_0/00001/0", 1),
    ]
    assert own.worst[1].text == "the man is jumping"


@pytest.mark.parametrize(
    ("caption", "actor"),
    [
        ("a man walking his dog", "adult"),
        ("the brown-white dog next to a man", "dog"),
        ("Kid, jumping", "baby"),
        ("a white ball is rolling", "ball"),
        ("the pigeon is limping", "bird"),
        ("something moves", "other"),
    ],
)
def test_the_first_actor_a_caption_names(caption: str, actor: str) -> None:
    assert _actor(caption) == actor
