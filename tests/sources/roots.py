"""A small folder of each source, laid out as the real one, with its quirks. Frames tell their number by brightness; object n is a square."""

import csv
import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from PIL import Image

from a2dsplus.media.masks import encode
from tests.conftest import paint_root

HEIGHT, WIDTH = 48, 64


def square(number: int, frame: int) -> np.ndarray:
    """Return where object `number` (from 1) is at a 0-based frame, bool (H, W)."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    top, left = 12 * ((number - 1) % 3) + 2, 4 + frame
    mask[top : top + 8, left : left + 10] = True
    return mask


def images(folder: Path, names: list[str], *, suffix: str = ".jpg") -> None:
    """Write pictures whose brightness tells their place."""
    folder.mkdir(parents=True)
    for index, name in enumerate(names):
        picture = np.full((HEIGHT, WIDTH, 3), 20 + 20 * index, np.uint8)
        Image.fromarray(picture).save(folder / f"{name}{suffix}", quality=95)


def palette(path: Path, indices: np.ndarray) -> None:
    """Write a palette picture of object numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(indices.astype(np.uint8), mode="P")
    picture.putpalette([value for index in range(256) for value in (index, 255 - index, index // 2)])
    picture.save(path)


def numbered(objects: list[int], frame: int) -> np.ndarray:
    """Return the object numbers of a frame, 0 where there is none."""
    indices = np.zeros((HEIGHT, WIDTH), np.uint8)
    for number in objects:
        indices[square(number, frame)] = number
    return indices


def a2d(root: Path) -> Path:
    """A2D-Sentences, its test split."""
    return paint_root(root)


def jhmdb(root: Path, *, listed: bool = True) -> Path:
    """J-HMDB-Sentences: a name that needs `@()+!`, more frames than masks, a v5 and a v7.3 file, a stray blank in a caption."""
    from scipy.io import savemat

    videos = {
        ("catch", "Ball_(1)+!@catch_u_nm_np1"): ("the man catching a ball ", 6, 5),
        ("walk", "dog_walk_f_cm_np1"): ("a woman walking a dog", 7, 7),
        ("walk", "man_walk_f_cm_np1"): ("a man in black walking", 5, 5),
    }
    rows = []
    for (action, video), (_, frames, masks) in videos.items():
        names = [f"{frame:05d}" for frame in range(1, frames + 1)]
        images(root / "Rename_Images" / action / video, names, suffix=".png")
        path = root / "puppet_mask" / action / video / "puppet_mask.mat"
        path.parent.mkdir(parents=True)
        array = np.stack([square(1, frame) for frame in range(masks)], axis=2).astype(np.uint8)
        if action == "catch":
            with h5py.File(path, "w", userblock_size=512) as file:
                file["part_mask"] = array.T
        else:
            savemat(str(path), {"part_mask": array})
        for frame in (1, 3, masks):
            rows.append(
                [
                    video,
                    f"./jhmdb_sentences/Rename_Images/{action}/{video}/{frame:05d}.png",
                    f"./jhmdb_sentences/puppet_mask/{action}/{video}/puppet_mask.mat",
                    masks,
                    "text",
                ]
            )
    with (root / "jhmdb_annotation.txt").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["video_id", "query"])
        table.writerows([video, text] for (_, video), (text, _, _) in videos.items())
    if listed:
        (root / "jhmdb_sentences_samples_metadata.json").write_text(json.dumps(rows))
    return root


def refer_ytvos(root: Path) -> Path:
    """Refer-YouTube-VOS: opaque names in odd steps, two expressions an object, objects that come late, frames that are not listed, an object
    that nobody describes, a valid that holds test's videos."""
    train = {
        "aaaa111122": (["00005", "00010", "00020"], {"0": ("a red dog runs to the left", 1), "1": ("dog at the left", 1), "2": ("a white cat", 2)}),
        "-bbb111122": (["00000", "00005"], {"0": ("a black dog runs to the right", 1)}),
        "cccc111122": (["00000", "00005", "00010"], {"0": ("a man rides a horse", 1), "1": ("a brown horse", 3)}),
    }  # fmt: skip
    held = {
        "dddd111122": (["00000", "00003"], {"0": ("a red bird flies",), "1": ("a green car",)}),
        "eeee111122": (["00010", "00015"], {"0": ("a blue bird flies",)}),
        "ffff111122": (["00000"], {"0": ("a dog sits",)}),
    }

    def meta(videos: dict, *, ids: bool) -> dict:
        return {
            "videos": {
                video: {
                    "frames": names,
                    "expressions": {
                        number: {"exp": row[0], **({"obj_id": str(row[1])} if ids else {})}
                        for number, row in expressions.items()
                    },
                }
                for video, (names, expressions) in videos.items()
            }
        }

    documents = {
        "train": meta(train, ids=True),
        "valid": meta(held, ids=False),
        "test": meta({"ffff111122": held["ffff111122"]}, ids=False),
    }
    for split, document in documents.items():
        folder = root / "meta_expressions" / split
        folder.mkdir(parents=True)
        (folder / "meta_expressions.json").write_text(json.dumps(document))
    for split, videos in (("train", train), ("valid", held)):
        for video, (names, expressions) in videos.items():
            images(root / split / "JPEGImages" / video, [*names, "00033"])
            if split == "train":
                objects = sorted({row[1] for row in expressions.values()})
                for frame, name in enumerate(names):
                    # the last object is not in the first frame yet
                    there = objects[:-1] if frame == 0 and len(objects) > 1 else objects
                    indices = numbered(there, frame)
                    indices[-3:, -3:] = 7
                    palette(root / split / "Annotations" / video / f"{name}.png", indices)
    categories = {"videos": {video: {"objects": {"1": {"category": "dog"}}} for video in train}}
    (root / "train" / "meta.json").write_text(json.dumps(categories))
    return root


def mevis(root: Path) -> Path:
    """MeViS: several objects an expression, one without a target, null where an object is not to be seen, frames listed out of order."""
    names = ["00002", "00000", "00001"]
    document = {
        "videos": {
            "1a2b3c": {
                "frames": names,
                "expressions": {
                    "0": {"exp": "two dogs that walk away", "obj_id": [0, 1], "anno_id": [10, 11]},
                    "1": {"exp": "the dog that sits", "obj_id": [1], "anno_id": [11]},
                    "2": {"exp": "the cat that jumps", "obj_id": [], "anno_id": []},
                },
            },
            "4d5e6f": {
                "frames": ["00000", "00001"],
                "expressions": {"0": {"exp": "the dog that runs", "obj_id": [0], "anno_id": [12]}},
            },
        }
    }

    def rle(number: int, name: str) -> dict:
        return encode(square(number, int(name)))

    masks = {
        "10": [rle(1, name) for name in names],
        "11": [None if name == "00000" else rle(2, name) for name in names],
        "12": [rle(1, name) for name in ("00000", "00001")],
    }
    for split in ("train", "valid_u", "valid"):
        (root / split).mkdir(parents=True)
        for video, entry in document["videos"].items():
            images(root / split / "JPEGImages" / video, sorted(entry["frames"]))
    for split in ("train", "valid_u"):
        (root / split / "meta_expressions.json").write_text(json.dumps(document))
        (root / split / "mask_dict.json").write_text(json.dumps(masks))
    held = json.loads(json.dumps(document))
    for entry in held["videos"].values():
        for expression in entry["expressions"].values():
            del expression["obj_id"], expression["anno_id"]
    (root / "valid" / "meta_expressions.json").write_text(json.dumps(held))
    return root


def ref_davis(root: Path) -> Path:
    """Ref-DAVIS17: three misspelt names, three objects (twelve expressions), objects 2 and 10 (sorted as strings) in train, Latin-1 in annotator 2's texts, void pixels, an object of two that one annotator left out."""
    videos = {"classic-car": [1, 2], "bear": [1], "dogs-scale": [1, 2, 3], "motorbike": [2, 10]}
    (root / "ImageSets" / "2017").mkdir(parents=True)
    (root / "ImageSets" / "2017" / "val.txt").write_text("classic-car\nbear\ndogs-scale\n")
    (root / "ImageSets" / "2017" / "train.txt").write_text("motorbike\n")
    for video, objects in videos.items():
        names = [f"{frame:05d}" for frame in range(3)]
        images(root / "JPEGImages" / "480p" / video, names)
        for frame, name in enumerate(names):
            indices = numbered(objects, frame)
            indices[-2:] = 255
            palette(root / "Annotations_unsupervised" / "480p" / video / f"{name}.png", indices)
    texts = root / "davis_text_annotations"
    texts.mkdir()
    for name, encoding in (("annot1", "utf-8"), ("annot1_full_video", "utf-8"), ("annot2", "latin-1"), ("annot2_full_video", "latin-1")):  # fmt: skip
        lines = ['clasic-car 1 "an old car moves to the left"', 'bear 1 "a brown bear walks to the left at the café"']
        if name != "annot2":
            lines.append('clasic-car 2 "a black dog walks to the left"')
        lines += ['motor-bike 2 "a rider"', 'motor-bike 10 "a red motorbike"']
        lines += [f'dog-scale {number} "dog number {number}"' for number in (3, 1, 2)]
        (texts / f"Davis17_{name}.txt").write_text("\n".join(lines) + "\n", encoding=encoding)
    return root


def table(root: Path) -> Path:
    """Somebody's own table: folders of images and masks by number, a folder of object numbers, a column of its own."""
    names = ["f1", "f2", "f3"]
    for video in ("clips/one", "clips/two"):
        images(root / video, names)
    for index in range(3):
        palette(root / "masks" / "one" / f"{index + 1}.png", numbered([1], index) * 255)
        palette(root / "masks" / "two" / f"{names[index]}.png", numbered([1, 2], index))
    rows = [
        {"video": "clips/one", "text": "a dog runs to the left", "query": "a", "object": "1", "masks": "masks/one", "who": "Ada"},
        {"video": "clips/two", "text": "a dog runs to the right", "query": "b", "object": "1", "masks": "masks/two", "who": "Bob"},
        {"video": "clips/two", "text": "a cat sits on snow", "query": "c", "object": "2", "masks": "masks/two", "who": "Bob"},
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(root / "table.csv", index=False)
    return root
