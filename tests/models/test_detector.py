"""What detectors put out, by the forms that are published; ONNX through OpenCV."""

import struct
from pathlib import Path

import numpy as np
import pytest

from a2dsplus.errors import ModelError, UsageError
from a2dsplus.models.box_mask import PersonSegmenter
from a2dsplus.models.coco import CLASSES, GAPS, of_coco
from a2dsplus.models.detector import FileDetector, overlap, read_outputs

DOG, PERSON = CLASSES.index("dog"), CLASSES.index("person")


def read(*outputs: np.ndarray) -> list[tuple[list[float], float, int]]:
    boxes, scores, classes = read_outputs(outputs, side=100, where="it")
    order = np.argsort(-scores, kind="stable")[:2]
    return [(boxes[n].round(3).tolist(), round(float(scores[n]), 3), int(classes[n])) for n in order]


EXPECTED = [([10.0, 20.0, 30.0, 60.0], 0.9, DOG), ([50.0, 50.0, 70.0, 90.0], 0.6, PERSON)]


def yolo(extra: int) -> np.ndarray:
    table = np.zeros((1, 5, 4 + extra + 80), np.float32)
    for row, ((left, top, right, bottom), score, kind) in enumerate(EXPECTED):
        table[0, row, :4] = ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
        table[0, row, 4 : 4 + extra] = 0.5 + 0.5 * (extra == 0)
        table[0, row, 4 + extra + kind] = score / (0.5 if extra else 1)
    return table


def test_yolos_of_either_kind_either_way_round() -> None:
    assert read(yolo(0)) == EXPECTED
    assert read(yolo(0).transpose(0, 2, 1)) == EXPECTED
    assert read(yolo(1)) == EXPECTED


def test_end_to_end_and_ssd_and_torchvision() -> None:
    rows = [[*box, score, kind] for box, score, kind in EXPECTED]
    assert read(np.array([rows], np.float32)) == EXPECTED
    numbers = {DOG: 18, PERSON: 1}  # COCO's own
    ssd = [[0, numbers[kind], score, *(side / 100 for side in box)] for box, score, kind in EXPECTED]
    assert read(np.array([[ssd]], np.float32)) == EXPECTED
    boxes = np.array([box for box, _, _ in EXPECTED], np.float32)
    labels, scores = np.array([18, 1]), np.array([0.9, 0.6], np.float32)
    assert read(boxes, labels, scores) == EXPECTED
    assert read(boxes, scores, labels) == EXPECTED


@pytest.mark.parametrize("count", [80, 81, 91, 92])
def test_detrs_logits(count: int) -> None:
    logits = np.full((1, 3, count), -20.0)
    boxes = np.zeros((1, 3, 4))
    for row, ((left, top, right, bottom), score, kind) in enumerate(EXPECTED):
        boxes[0, row] = np.array([(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]) / 100
        number = kind if count < 90 else {DOG: 18, PERSON: 1}[kind]
        logits[0, row, number] = np.log(score / (1 - score))
        if count in (81, 92):
            logits[0, row, -1] = 0.0  # "nothing" takes the rest
    if count in (81, 92):
        logits[0, 2, -1] = 20
    assert read(logits, boxes) == EXPECTED
    assert read(boxes, logits) == EXPECTED


@pytest.mark.parametrize("shapes", [[(1, 10, 20)], [(1, 84)], [(3, 4), (3,)], [(1, 5, 40), (1, 5, 4)], [(7, 7, 7)]])
def test_other_outputs_are_refused(shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(ModelError, match=r"it: (puts out|has 40 classes)"):
        read_outputs([np.zeros(shape, np.float32) for shape in shapes], side=100, where="it")


def test_cocos_own_numbers() -> None:
    assert of_coco(1) == 0
    assert of_coco(18) == DOG
    assert of_coco(90) == CLASSES.index("toothbrush") == 79
    assert [of_coco(number) for number in (0, 12, 91, *GAPS)] == [None] * 13
    assert sorted(number for n in range(1, 91) if (number := of_coco(n)) is not None) == list(range(80))


def test_overlap_by_hand() -> None:
    assert overlap((0, 0, 2, 2), (1, 1, 3, 3)) == pytest.approx(1 / 7)
    assert overlap((0, 0, 2, 2), (2, 0, 4, 2)) == 0
    assert overlap((0, 0, 2, 2), (0, 0, 2, 2)) == 1


# ---- a file ----------------------------------------------------------------------------------------------------------


def _field(number: int, value: bytes | int | str) -> bytes:
    """Return a field of a protocol buffer: a number, or bytes with their length."""

    def varint(n: int) -> bytes:
        out = b""
        while True:
            n, low = n >> 7, n & 127
            out += bytes([low | (128 if n else 0)])
            if not n:
                return out

    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def _tensor(name: str, array: np.ndarray) -> bytes:
    kind = {"float32": 1, "int64": 7}[array.dtype.name]
    return (
        b"".join(_field(1, side) for side in array.shape)
        + _field(2, kind)
        + _field(8, name)
        + _field(9, array.tobytes())
    )


def _value(name: str, shape: tuple[int, ...]) -> bytes:
    sides = b"".join(_field(1, _field(1, side)) for side in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, sides)))


def _ints(name: str, values: list[int]) -> bytes:
    return _field(5, _field(1, name) + b"".join(_field(8, value) for value in values) + _field(20, 7))


def _write(path: Path, nodes: bytes, initial: bytes, given: tuple[int, ...], found: tuple[int, ...]) -> None:
    graph = nodes + _field(2, "g") + initial + _field(11, _value("x", given)) + _field(12, _value("y", found))
    path.write_bytes(_field(1, 8) + _field(7, graph) + _field(8, _field(2, 13)))


def save_onnx(path: Path) -> Path:
    """Save a network whose 84 channels are what a 1 x 1 convolution makes of four quarters of a 64 x 64 picture."""
    weight = np.zeros((84, 3, 32, 32), np.float32)
    weight[4 + DOG, 1] = 1 / 1024  # how green a quarter is, is how sure it is a dog
    bias = np.zeros(84, np.float32)
    bias[:4] = (16, 16, 32, 32)
    nodes = _field(
        1,
        _field(1, "x")
        + _field(1, "w")
        + _field(1, "b")
        + _field(2, "c")
        + _field(4, "Conv")
        + _ints("kernel_shape", [32, 32])
        + _ints("strides", [32, 32]),
    )
    nodes += _field(1, _field(1, "c") + _field(1, "s") + _field(2, "y") + _field(4, "Reshape"))
    initial = b"".join(
        _field(5, _tensor(name, array))
        for name, array in (("w", weight), ("b", bias), ("s", np.array([1, 84, 4], np.int64)))
    )
    graph = (
        nodes + _field(2, "g") + initial + _field(11, _value("x", (1, 3, 64, 64))) + _field(12, _value("y", (1, 84, 4)))
    )
    path.write_bytes(_field(1, 8) + _field(7, graph) + _field(8, _field(2, 13)))
    path.with_name(path.name + ".json").write_text('{"side": 64}')
    return path


def test_a_person_segmenter_cuts_within_the_box(tmp_path: Path) -> None:
    """The network calls what is red a person, all over the picture."""
    conv = _field(1, "x") + _field(1, "w") + _field(2, "y") + _field(4, "Conv") + _ints("kernel_shape", [1, 1])
    weight = np.array([1, -1, 0], np.float32).reshape(1, 3, 1, 1)
    _write(tmp_path / "s.onnx", _field(1, conv), _field(5, _tensor("w", weight)), (1, 3, 256, 256), (1, 1, 256, 256))
    cut = PersonSegmenter(tmp_path / "s.onnx")
    frame = np.full((100, 200, 3), 90, np.uint8)
    frame[30:70, 50:90] = frame[30:70, 150:190] = (220, 20, 20)
    mask = cut(frame, (45.0, 25.0, 95.0, 75.0))
    assert mask.dtype == np.bool_
    expected = np.zeros((100, 200), bool)
    expected[30:70, 50:90] = True
    assert (mask & expected).sum() / (mask | expected).sum() > 0.95
    nobody = cut(frame, (100.0, 25.0, 140.0, 75.0))  # where it finds nobody: the box's ellipse
    assert nobody.sum() == pytest.approx(np.pi * 20 * 25, rel=0.1)
    with pytest.raises(ModelError, match=r"--segmenter none.tflite: no such file"):
        PersonSegmenter(Path("none.tflite"))


def test_an_onnx_file_runs_through_opencv(tmp_path: Path) -> None:
    detect = FileDetector(save_onnx(tmp_path / "d.onnx"), device="cpu", threshold=0.5)
    frame = np.zeros((128, 256, 3), np.uint8)
    assert len(detect(frame)[0]) == 0
    frame[:, :128, 1] = 204
    boxes, scores, classes = detect(frame)
    assert boxes.round(2).tolist() == [[0, 0, 128, 64]]  # the same box of both left quarters, once
    assert scores.tolist() == pytest.approx([0.8], abs=1e-3)
    assert classes.tolist() == [DOG]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"side": 7}', '"side" from 32 to 4096'),
        ('{"side": 64, "range": 2}', '"range" 1 or 255'),
        ('{"side": 64, "channels": "hsv"}', '"channels" "rgb" or "bgr"'),
        ("[", "is not a JSON object"),
    ],
)
def test_what_stands_beside_a_detector_is_checked(tmp_path: Path, content: str, words: str) -> None:
    path = save_onnx(tmp_path / "d.onnx")
    path.with_name("d.onnx.json").write_text(content)
    with pytest.raises(ModelError, match=words):
        FileDetector(path, device="cpu", threshold=0.5)


def test_files_that_are_no_network(tmp_path: Path) -> None:
    (tmp_path / "d.onnx").write_bytes(b"no network" + struct.pack("<I", 7))
    with pytest.raises(ModelError, match="OpenCV cannot read it as a network"):
        FileDetector(tmp_path / "d.onnx", device="cpu", threshold=0.5)
    (tmp_path / "d.ts").write_bytes(b"no network")
    with pytest.raises(ModelError, match="torch cannot read it as TorchScript"):
        FileDetector(tmp_path / "d.ts", device="cpu", threshold=0.5)
    with pytest.raises(UsageError, match="OpenCV's dnn runs on the CPU here"):
        FileDetector(save_onnx(tmp_path / "e.onnx"), device="cuda:0", threshold=0.5)
